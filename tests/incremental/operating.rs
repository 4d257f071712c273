//! Schedules, failures, and what is shown of incremental sweeps.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use trueup::{Mode, NewRun, Schedule, Sweep};
use trueup_devnet::Faults;
use trueup_workers::{enqueue_run, start_run};

use super::{remember, sweep};
use crate::lifecycle::roles::{Roles, until};
use crate::program::Program;
use crate::support::{Deployment, SPEC, jobs, new_run};

#[tokio::test]
async fn a_schedule_has_full_sweeps_of_its_own_and_incremental_ones_between() {
    let deployment = Deployment::with_loans(3).await;
    let schedule = Schedule {
        name: "often".into(),
        cron: "* * * * * *".parse().expect("cron"),
        kinds: Vec::new(),
        mode: Mode::Detect,
        full: "0 0 1 1 *".parse().expect("cron"),
        timeout_secs: 60,
    };
    let roles = Roles::of(&deployment).await.scheduler(&[schedule]).worker("test");
    until(&deployment, "(SELECT count(*) FROM trueup.reports) >= 3").await;
    roles.end().await;
    let sweeps: String =
        deployment.value("SELECT string_agg(sweep, ' ' ORDER BY id) FROM (SELECT * FROM trueup.runs ORDER BY id LIMIT 3) AS r").await;
    assert_eq!(sweeps, "full incremental incremental");
}

#[tokio::test]
async fn the_command_line_sweeps_incrementally_unless_it_is_told_otherwise() {
    let deployment = Deployment::with_loans(20).await;
    remember(&deployment, 20).await;
    let shown = Program::start(&deployment.config, &["run"]).end().await;
    assert!(shown.expect_code(0).stdout.contains("incremental"), "{}", shown.stdout);
    assert!(shown.stdout.contains("unmoved"), "{}", shown.stdout);
    let full = Program::start(&deployment.config, &["run", "--full"]).end().await;
    assert!(!full.expect_code(0).stdout.contains("unmoved"), "{}", full.stdout);
    let sweeps: String = deployment
        .value("SELECT string_agg(sweep, ' ' ORDER BY id DESC) FROM (SELECT * FROM trueup.runs ORDER BY id DESC LIMIT 2) AS r")
        .await;
    assert_eq!(sweeps, "full incremental");
    let checked = Program::start(&deployment.config, &["check"]).end().await;
    assert!(checked.expect_code(0).stdout.contains("sweeps: incremental"), "{}", checked.stdout);
}

#[tokio::test]
async fn an_rpc_that_fails_passes_over_nothing_that_it_did_not_show() {
    let no_counter =
        SPEC.lines().filter(|line| !line.starts_with("enumerate") && !line.starts_with("missing_row")).collect::<Vec<_>>().join("\n");
    let deployment = Deployment::with_spec(30, &no_counter).await;
    remember(&deployment, 30).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id = 2").await;
    let trueup = deployment.trueup().await;
    deployment.devnet.faults().set(Faults { fail_percent: 100, ..Faults::default() });
    let new = NewRun { sweep: Sweep::Incremental, ..new_run(Mode::Detect) };
    let run = start_run(trueup.context(), new).await.expect("a run");
    let finished = deployment.finish(&trueup, run).await;
    let loans = &finished.document.kinds["loan"];
    assert_eq!((loans.unmoved, loans.entities, loans.verdicts.get("in_sync")), (0, 30, None), "{:?}", loans.verdicts);
    deployment.devnet.faults().clear();
    assert_eq!(sweep(&deployment, Sweep::Incremental).await.found(), ["stale_status status 2"]);
}

#[tokio::test]
async fn ranges_that_nobody_could_look_at_are_told() {
    let deployment = Deployment::with_loans(10).await;
    remember(&deployment, 10).await;
    let trueup = deployment.trueup().await;
    deployment.sql("ALTER TABLE trueup.fingerprints RENAME TO elsewhere").await;
    let new = NewRun { sweep: Sweep::Incremental, ..new_run(Mode::Detect) };
    let run = start_run(trueup.context(), new).await.expect("a run");
    let finished = deployment.finish(&trueup, run).await;
    let loans = &finished.document.kinds["loan"];
    assert_eq!((loans.ranges_missed, loans.verdicts["failed"], loans.unmoved), (1, 1, 0));
    deployment.sql("ALTER TABLE trueup.elsewhere RENAME TO fingerprints").await;
    let retried = Program::start(&deployment.config, &["jobs", "retry", "--run", &run.to_string()]).end().await;
    retried.expect_code(0);
    let again = trueup::RunId(deployment.value("SELECT max(id) FROM trueup.runs").await);
    let finished = deployment.finish(&trueup, again).await;
    assert_eq!(finished.document.kinds["loan"].unmoved, 10, "a range that is retried is sieved");
}

#[tokio::test]
async fn a_range_whose_worker_froze_is_counted_once() {
    let deployment = Deployment::with_loans(200).await;
    remember(&deployment, 200).await;
    let trueup = deployment.trueup().await;
    // Answers come later than the lease ends: the first worker that holds the range is a zombie when it has them.
    deployment.devnet.faults().set(Faults { latency_ms: 300, ..Faults::default() });
    let new = NewRun { sweep: Sweep::Incremental, ..new_run(Mode::Detect) };
    let run = start_run(trueup.context(), new).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    let stop = CancellationToken::new();
    let worker = tokio::spawn(trueup.clone().worker("first", stop.clone()));
    until(&deployment, "EXISTS (SELECT FROM trueup.all_jobs WHERE task = 'sieve' AND state = 'leased')").await;
    // Somebody else takes the range over.
    jobs::take_away(&deployment, "sieve").await;
    let finished = tokio::time::timeout(Duration::from_secs(60), deployment.await_report(&trueup, run)).await.expect("it ends");
    stop.cancel();
    worker.await.expect("no panic").expect("it ends well");
    let loans = &finished.document.kinds["loan"];
    assert_eq!((loans.entities, loans.unmoved, loans.verdicts["in_sync"]), (200, 200, 200));
}
