//! Whoever moves a run on is killed at that very moment, role after role, in one run of a fleet.

use crate::kill::fleet::{Engine, Fleet, Pace, Role};
use crate::kill::outcome::{self, Outcome};
use crate::kill::template::{REPAIR, Template};
use crate::program::{Hold, Program};
use trueup::Config;

/// Who is killed when.
const KILLED_AT: [(Role, &str); 6] = [
    (Role::Scheduler, "old.phase = 'enqueue' AND new.detect_total > 0"),
    (Role::Worker, "old.phase = 'detect' AND old.detect_done > 40"),
    (Role::Worker, "old.phase = 'match'"),
    (Role::Worker, "old.phase = 'confirm' AND old.confirm_done = 0"),
    (Role::Worker, "old.phase = 'confirm' AND old.confirm_done > 0"),
    (Role::Worker, "old.phase = 'aggregate'"),
];

/// What a run of one process leaves that nobody disturbs.
pub async fn undisturbed(template: &Template) -> Outcome {
    let copy = template.copy("undisturbed").await;
    Program::start(&copy, REPAIR).end().await.expect_code(3);
    let expected = outcome::of(&copy).await;
    expected.assert_worth_comparing();
    expected
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_which_every_role_is_killed_in_the_midst_of_its_work_ends_as_an_undisturbed_one() {
    let template = Template::create().await;
    let expected = undisturbed(&template).await;
    for engine in Engine::ALL {
        let copy = template.copy(&format!("every_role_{engine:?}").to_lowercase()).await;
        kill_every_role(&copy, engine).await;
        outcome::of(&copy).await.assert_is(&expected, "every role was killed");
    }
}

async fn kill_every_role(config: &Config, engine: Engine) {
    let mut fleet = Fleet::start(config, engine, Pace::Quick, 3, 2).await;
    let url = config.database_url.as_deref().expect("a database");
    let mut hold = Hold::at_each(url, &KILLED_AT.map(|(_, point)| point)).await;
    let run = fleet.open_run().await;
    for (point, (role, _)) in (1..).zip(KILLED_AT) {
        let victim = fleet.held(&mut hold, point).await;
        assert_eq!(victim.role, role, "who is held at point {point}");
        fleet.add(role);
        victim.program.kill().await;
        hold.pass(point).await;
    }
    fleet.until_reported(run).await;
    fleet.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_workers_of_the_same_name_the_one_that_lives_takes_over_what_the_killed_one_held() {
    let template = Template::create().await;
    let expected = undisturbed(&template).await;
    for engine in Engine::ALL {
        let copy = template.copy(&format!("twins_{engine:?}").to_lowercase()).await;
        let mut fleet = Fleet::start(&copy, engine, Pace::Quick, 0, 1).await;
        fleet.add_named(Role::Worker, "twin");
        fleet.add_named(Role::Worker, "twin");
        fleet.until_all_work().await;
        let mut hold = Hold::at(copy.database_url.as_deref().expect("a database"), "old.phase = 'detect' AND old.detect_done > 40").await;
        let run = fleet.open_run().await;
        fleet.held(&mut hold, 1).await.program.kill().await;
        hold.release().await;
        fleet.until_reported(run).await;
        fleet.end().await;
        outcome::of(&copy).await.assert_is(&expected, "a worker was killed whose name another has too");
    }
}
