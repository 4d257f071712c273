//! Ticks of schedules, taken once each.

use tokio_util::sync::CancellationToken;
use trueup::{EntityKind, FullSweeps, Mode, Schedule};
use trueup_database::runs;

use crate::lifecycle::roles::{Roles, until};
use crate::support::Deployment;

const EVERY_SECOND: &str = "* * * * * *";
/// The last tick was long ago, and the next one is not soon.
const EVERY_YEAR: &str = "0 0 1 1 *";

fn schedule(cron: &str) -> Schedule {
    Schedule {
        name: "test".into(),
        cron: cron.parse().expect("a cron expression"),
        kinds: Vec::new(),
        mode: Mode::Detect,
        full: FullSweeps::Always,
        timeout_secs: 60,
    }
}

#[tokio::test]
async fn several_schedulers_start_one_run_a_tick() {
    let deployment = Deployment::with_loans(3).await;
    let every_second = [schedule(EVERY_SECOND)];
    let roles = Roles::of(&deployment).await.scheduler(&every_second).scheduler(&every_second).scheduler(&every_second).worker("test");
    until(&deployment, "(SELECT count(*) FROM trueup.reports) >= 3").await;
    roles.end().await;
    let unstarted: i64 = deployment.value("SELECT count(*) FROM trueup.ticks WHERE run IS NULL AND NOT skipped").await;
    assert_eq!(unstarted, 1, "but for the one with which the schedule begins, each tick has its run or was skipped");
    let runs: i64 = deployment.value("SELECT count(*) FROM trueup.runs").await;
    assert_eq!(runs, deployment.value::<i64>("SELECT count(DISTINCT run) FROM trueup.ticks").await, "no run is without its tick");
    let at_once: i64 = deployment
        .value("SELECT count(*) FROM trueup.runs AS a JOIN trueup.runs AS b ON b.id > a.id AND b.opened_at < a.finished_at")
        .await;
    assert_eq!(at_once, 0, "no run begins before its predecessor has ended");
}

#[tokio::test]
async fn ticks_of_months_ago_go_when_the_next_one_is_taken() {
    let deployment = Deployment::with_loans(3).await;
    deployment
        .sql("INSERT INTO trueup.ticks (schedule, tick) SELECT s, now() - n * interval '1 day' FROM generate_series(29, 400) AS n, unnest('{test,other}'::text[]) AS s")
        .await;
    let roles = Roles::of(&deployment).await.scheduler(&[schedule(EVERY_SECOND)]);
    until(&deployment, "(SELECT max(tick) > now() - interval '1 day' FROM trueup.ticks WHERE schedule = 'test')").await;
    roles.end().await;
    let old = "SELECT count(*) FROM trueup.ticks WHERE tick < now() - interval '1 day' AND schedule = ";
    assert_eq!(deployment.value::<i64>(&format!("{old} 'test'")).await, 1, "the one of 29 days ago");
    assert_eq!(deployment.value::<i64>(&format!("{old} 'other'")).await, 372, "what another schedule did is its own");
}

#[tokio::test]
async fn the_tick_of_the_last_full_sweep_stays_however_long_ago_it_was() {
    let deployment = Deployment::with_loans(1).await;
    deployment
        .sql(
            "INSERT INTO trueup.runs (origin, kinds, mode, deadline, phase, state, sweep)
             VALUES ('schedule rare', '{loan}', 'detect', now(), 'done', 'completed', 'full');
             INSERT INTO trueup.ticks (schedule, tick, run) SELECT 'rare', now() - interval '200 days', id FROM trueup.runs;
             INSERT INTO trueup.ticks (schedule, tick) SELECT 'rare', now() - n * interval '1 day' FROM generate_series(0, 100) AS n",
        )
        .await;
    let mut connection = deployment.pool().acquire().await.expect("a connection");
    let last = runs::last_full_tick(&mut connection, "rare").await.expect("read");
    assert!(last.is_some());
    assert_eq!(runs::forget_ticks(&mut connection, "rare", 30, last).await.expect("forgotten"), 71, "those of 30 to 100 days ago");
    assert_eq!(runs::last_full_tick(&mut connection, "rare").await.expect("read"), last, "else every month would see a full sweep");
}

#[tokio::test]
async fn ticks_are_skipped_and_counted_while_the_run_before_is_still_running() {
    let deployment = Deployment::with_loans(3).await;
    let roles = Roles::of(&deployment).await.scheduler(&[schedule(EVERY_SECOND)]);
    until(&deployment, "(SELECT count(*) FROM trueup.ticks WHERE skipped) >= 2").await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.runs").await, 1);
    let roles = roles.worker("test");
    until(&deployment, "(SELECT count(*) FROM trueup.reports) >= 2").await;
    roles.end().await;
}

#[tokio::test]
async fn a_new_schedule_does_not_begin_with_a_tick_of_the_past() {
    let deployment = Deployment::with_loans(0).await;
    let roles = Roles::of(&deployment).await.scheduler(&[schedule(EVERY_YEAR)]);
    until(&deployment, "EXISTS (SELECT FROM trueup.ticks)").await;
    roles.end().await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.runs").await, 0);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.ticks WHERE skipped").await, 0, "nor does it count as skipped");
}

#[tokio::test]
async fn of_the_ticks_that_nobody_took_one_is_made_up_for() {
    let deployment = Deployment::with_loans(3).await;
    deployment.sql("INSERT INTO trueup.ticks (schedule, tick) VALUES ('test', '2001-01-01')").await;
    let roles = Roles::of(&deployment).await.scheduler(&[schedule(EVERY_YEAR)]).worker("test");
    until(&deployment, "EXISTS (SELECT FROM trueup.reports)").await;
    roles.end().await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.runs").await, 1);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.ticks WHERE run IS NOT NULL").await, 1);
}

#[tokio::test]
async fn a_schedule_of_a_kind_that_has_no_spec_is_refused_at_start() {
    let deployment = Deployment::with_loans(0).await;
    let trueup = deployment.trueup().await;
    let schedule = Schedule { kinds: vec![EntityKind("laon".into())], ..schedule(EVERY_YEAR) };
    let refused = trueup.scheduler(vec![schedule], CancellationToken::new()).await.expect_err("no such kind");
    assert_eq!(format!("{refused:#}"), "schedule `test`: there is no spec for kind `laon`; there are specs for loan");
}
