//! A worker that is frozen in the midst of a transaction, beyond its leases, and wakes up when others have done its
//! work.

use tokio::task::JoinSet;
use trueup::Config;

use crate::kill::fleet::{Engine, Fleet, Pace};
use crate::kill::killed_roles::undisturbed;
use crate::kill::outcome;
use crate::kill::template::Template;
use crate::program::Hold;

/// What the worker is at when it freezes.
const FROZEN_AT: [(&str, &str); 3] = [
    ("answers are written and not committed", "old.phase = 'detect' AND old.detect_done > 40"),
    ("repairs are written and not committed", "old.phase = 'confirm' AND old.confirm_done = 0"),
    ("the report is being written", "old.phase = 'aggregate'"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_freezes_with_work_half_done_is_not_waited_for_and_changes_nothing_when_it_wakes_up() {
    let template = Template::create().await;
    let expected = undisturbed(&template).await;
    let mut frozen = JoinSet::new();
    for engine in Engine::ALL {
        for (index, (what, point)) in FROZEN_AT.into_iter().enumerate() {
            let copy = template.copy(&format!("frozen_{index}_{engine:?}").to_lowercase()).await;
            frozen.spawn(async move {
                freeze_and_wake(&copy, engine, point).await;
                (what, outcome::of(&copy).await)
            });
        }
    }
    while let Some(ended) = frozen.join_next().await {
        let (what, found) = ended.expect("it ends well");
        found.assert_is(&expected, what);
    }
}

async fn freeze_and_wake(config: &Config, engine: Engine, point: &str) {
    let mut fleet = Fleet::start(config, engine, Pace::Quick, 2, 1).await;
    let mut hold = Hold::at(config.database_url.as_deref().expect("a database"), point).await;
    let run = fleet.open_run().await;
    let zombie = fleet.held(&mut hold, 1).await;
    zombie.program.freeze();
    // Its statement comes to its end, and its transaction stands still with all that it has locked.
    hold.release().await;
    fleet.until_reported(run).await;

    zombie.program.thaw();
    // It lives on: what it had begun comes to its end, and with it all that this could change.
    fleet.members.push(zombie);
    fleet.end().await;
}
