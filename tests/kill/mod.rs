//! Killed with SIGKILL at any point and started again, a run ends as an undisturbed one does: the same tables, the
//! same report, each repair audited once.

pub mod fleet;
mod killed_roles;
pub mod outcome;
mod poison;
mod rolling;
mod takeover;
pub mod template;
mod zombies;

use crate::program::{Hold, Program};
use template::{REPAIR, Template};
use tokio::task::JoinSet;
use trueup::{Config, RunId, Trueup};
use trueup_workers::enqueue_run;

/// Where the program is killed, one after the other, in a run of its own for each line.
const KILLED_AT: [(&str, &[&str]); 9] = [
    ("the first jobs are being added", &["old.phase = 'enqueue' AND new.detect_total > 0"]),
    ("the last job was added", &["new.phase = 'detect' AND old.phase = 'enqueue'"]),
    ("a range of rows was looked at, and that is not committed", &["old.in_sync = '{}' AND new.in_sync <> '{}'"]),
    ("some missing rows were looked at", &["old.phase = 'detect' AND new.detect_done > 60"]),
    ("the whole set of plans is being matched", &["old.phase = 'match'"]),
    ("the first repairs are written and not committed", &["old.phase = 'confirm' AND old.confirm_done = 0"]),
    ("the first repairs are committed", &["old.phase = 'confirm' AND old.confirm_done > 0"]),
    ("the report is being written", &["old.phase = 'aggregate'"]),
    ("all over, twice", &["old.in_sync <> '{}' AND new.in_sync <> old.in_sync", "old.phase = 'confirm'"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_point_and_started_again_it_ends_as_if_nothing_had_happened() {
    let template = Template::create().await;
    let undisturbed = template.copy("undisturbed").await;
    Program::start(&undisturbed, REPAIR).end().await.expect_code(3);
    let expected = outcome::of(&undisturbed).await;
    expected.assert_worth_comparing();

    let mut killed = JoinSet::new();
    for (index, (point, holds)) in KILLED_AT.into_iter().enumerate() {
        let copy = template.copy(&format!("killed_{index}")).await;
        killed.spawn(async move {
            kill_and_start_again(&copy, holds).await;
            (point, outcome::of(&copy).await)
        });
    }
    while let Some(ended) = killed.join_next().await {
        let (point, found) = ended.expect("it ends well");
        found.assert_is(&expected, point);
    }
}

async fn kill_and_start_again(config: &Config, holds: &[&str]) {
    for point in holds {
        let mut hold = Hold::at(config.database_url.as_deref().expect("a database"), point).await;
        let doomed = Program::start(config, REPAIR);
        hold.reached().await;
        doomed.kill().await;
        hold.release().await;
    }
    Program::start(config, REPAIR).end().await.expect_code(3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_killed_beside_others_leaves_nothing_undone() {
    let template = Template::create().await;
    let undisturbed = template.copy("undisturbed").await;
    Program::start(&undisturbed, REPAIR).end().await.expect_code(3);
    let expected = outcome::of(&undisturbed).await;

    let copy = template.copy("beside").await;
    let mut hold = Hold::at(copy.database_url.as_deref().expect("a database"), "old.phase = 'detect' AND new.detect_done > 60").await;
    let doomed = Program::start(&copy, &["worker", "--name", "doomed"]);
    hold.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'trueup doomed')").await;
    Program::start(&copy, &["run", "--mode", "repair", "--detach"]).end().await.expect_code(0);
    let trueup = Trueup::connect(&copy).await.expect("connected");
    enqueue_run(trueup.context(), RunId(hold.value("SELECT max(id) FROM trueup.runs").await)).await.expect("enqueued");
    hold.reached().await;
    assert!(hold.value::<bool>("SELECT count(*) > 0 FROM trueup.leases WHERE worker LIKE 'doomed-%'").await, "it holds jobs");

    let beside = Program::start(&copy, REPAIR);
    hold.until("EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'trueup run')").await;
    doomed.kill().await;
    hold.release().await;
    beside.end().await.expect_code(3);
    outcome::of(&copy).await.assert_is(&expected, "a worker was killed");
}
