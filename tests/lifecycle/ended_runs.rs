//! What may still be done about runs that have ended.

use trueup::{Mode, RunId};
use trueup_queue::State;
use trueup_queue::inspect::{self, Filter, LIST_LIMIT};
use trueup_workers::{cancel, enqueue_run, retry_jobs, start_run};

use crate::lifecycle::roles::{Roles, until};
use crate::program::LIMIT;
use crate::support::{Deployment, jobs, new_run};

const TIMEOUT_SECS: i64 = 60;

#[tokio::test]
async fn dead_jobs_are_retried_in_a_run_of_their_own_whose_report_is_right() {
    let deployment = Deployment::with_loans(10).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 4").await;
    let trueup = deployment.trueup().await;
    let first = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), first).await.expect("enqueued");
    deployment.devnet.faults().update(|faults| (faults.fail_percent, faults.fail_status) = (100, 503));
    assert_eq!(deployment.finish(&trueup, first).await.document.total("failed"), 10);
    deployment.devnet.faults().clear();

    let mut connection = deployment.pool().acquire().await.expect("a connection");
    let dead = Filter { state: Some(State::Dead), ..Filter::default() };
    let dead = inspect::list(&mut connection, &dead, LIST_LIMIT, None).await.expect("the dead jobs");
    drop(connection);
    let retried = retry_jobs(deployment.pool(), &dead, TIMEOUT_SECS).await.expect("retried");
    assert_eq!((retried.runs.len(), retried.jobs, retried.left_alone), (1, 10, 0));
    let second = deployment.finish(&trueup, retried.runs[0]).await;
    let loans = &second.document.kinds["loan"];
    assert_eq!((loans.entities, loans.verdicts["in_sync"], loans.verdicts["drifted"], loans.repairs["repaired"]), (10, 6, 4, 4));
    assert_eq!(second.document.run.origin, format!("retry of run {first}"));
    assert_eq!(deployment.report(first).await.document.total("failed"), 10, "what was reported stays as it was");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans WHERE status = 'active'").await, 0);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.all_jobs WHERE state = 'dead'").await, 0);
}

#[tokio::test]
async fn dead_jobs_of_a_run_without_its_report_stay_until_it_has_counted_them() {
    let deployment = Deployment::with_loans(3).await;
    deployment.sql("INSERT INTO loans (loan_id, amount) VALUES ('not a number', 1)").await;
    let trueup = deployment.trueup_row_by_row().await;
    let run = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    // As a worker leaves it that was killed: one job has ended, the others have not begun.
    jobs::end(&deployment, &format!("key = '{}'", jobs::row(4)), "dead", "no number").await;
    deployment.sql("UPDATE trueup.runs SET detect_done = 1").await;
    let dead = || async {
        let mut connection = deployment.pool().acquire().await.expect("a connection");
        let filter = Filter { state: Some(State::Dead), ..Filter::default() };
        inspect::list(&mut connection, &filter, LIST_LIMIT, None).await.expect("the dead jobs")
    };

    let early = retry_jobs(deployment.pool(), &dead().await, TIMEOUT_SECS).await.expect("nothing is wrong");
    assert_eq!((early.jobs, early.runs.len(), early.unreported.as_slice()), (0, 0, [run].as_slice()));
    let report = deployment.finish(&trueup, run).await.document;
    assert_eq!((report.kinds["loan"].entities, report.total("failed"), report.total("in_sync")), (4, 1, 3));
    let late = retry_jobs(deployment.pool(), &dead().await, TIMEOUT_SECS).await.expect("retried");
    assert_eq!((late.jobs, late.unreported.len()), (1, 0));
}

#[tokio::test]
async fn job_rows_of_an_old_run_go_but_for_the_dead_and_its_report_stays() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("INSERT INTO loans (loan_id, amount) VALUES ('not a number', 1)").await;
    let run = deployment.run(Mode::Detect).await.document.run.id;
    let recent = deployment.run(Mode::Detect).await.document.run.id;
    deployment.sql(&format!("UPDATE trueup.runs SET finished_at = now() - interval '8 days' WHERE id = {run}")).await;
    let roles = Roles::of(&deployment).await.scheduler(&[]);
    until(&deployment, "EXISTS (SELECT FROM trueup.runs WHERE purged)").await;
    roles.end().await;
    let left: String =
        deployment.value(&format!("SELECT string_agg(state || ' ' || key, ', ') FROM trueup.all_jobs WHERE group_id = {run}")).await;
    assert_eq!(left, "dead 6");
    let kept = format!("SELECT string_agg(task, ', ' ORDER BY task) FROM trueup.all_jobs WHERE group_id = {recent} AND state = 'done'");
    assert_eq!(deployment.value::<String>(&kept).await, "aggregate, match, sieve");
    assert_eq!(deployment.report(RunId(run)).await.document.total("in_sync"), 5);
}

/// Found by the simulator, seed 2: the job that writes the report was cancelled with the rest, and the run never ended.
#[tokio::test]
async fn a_run_of_which_only_the_report_is_outstanding_is_not_cut_short() {
    let deployment = Deployment::with_loans(3).await;
    let trueup = deployment.trueup().await;
    let run = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    // As workers leave it that have done everything else, past the deadline.
    jobs::end(&deployment, "true", "done", "3 in sync").await;
    let rows = "UPDATE trueup.runs SET phase = 'aggregate', detect_done = detect_total, in_sync = '{\"loan\": 3}', deadline = now()";
    deployment.sql(rows).await;
    jobs::add(&deployment, run.0, "aggregate", "", &run.to_string()).await;
    assert!(!cancel(trueup.context().pools(), run).await.expect("an answer"), "there is nothing to cancel");
    let finished = deployment.finish(&trueup, run).await;
    assert_eq!((finished.document.run.state.as_str(), finished.document.run.partial), ("completed", false));
    assert_eq!(finished.document.kinds["loan"].verdicts["in_sync"], 3);
}

#[tokio::test]
async fn cancelling_waits_for_no_transaction_that_holds_a_job_and_wants_the_run() {
    let deployment = Deployment::with_loans(10).await;
    let trueup = deployment.trueup_row_by_row().await;
    let run = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    // As an ack does: the job first, what its run counts last.
    let mut ack = jobs::lock(&deployment, &jobs::row(5)).await;
    let cancelled = tokio::time::timeout(LIMIT, cancel(trueup.context().pools(), run)).await;
    assert!(cancelled.expect("it waits for nobody").expect("cancelled"));
    sqlx::query("SELECT FROM trueup.runs FOR NO KEY UPDATE").execute(&mut *ack).await.expect("no deadlock");
    ack.commit().await.expect("committed");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.all_jobs WHERE state = 'cancelled'").await, 9);
    let finished = deployment.finish(&trueup, run).await;
    assert_eq!(finished.document.run.state.as_str(), "cancelled");
}

#[tokio::test]
async fn jobs_put_by_hand_into_a_run_that_has_ended_end_and_change_nothing_of_it() {
    let deployment = Deployment::with_loans(3).await;
    let run = RunId(deployment.run(Mode::Repair).await.document.run.id);
    let counts = "SELECT format('%s %s/%s %s/%s', phase, detect_done, detect_total, confirm_done, confirm_total) FROM trueup.runs";
    assert_eq!(deployment.value::<String>(counts).await, "done 1/1 0/0");
    let report = "SELECT document::text FROM trueup.reports";
    let reported: String = deployment.value(report).await;

    jobs::forget(&deployment).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    for (task, key) in [("detect", "1"), ("detect", "2"), ("confirm", "77")] {
        jobs::add(&deployment, run.0, task, "loan", key).await;
    }
    let roles = Roles::of(&deployment).await.worker("test");
    until(&deployment, "NOT EXISTS (SELECT FROM trueup.all_jobs WHERE state NOT IN ('done', 'dead'))").await;
    roles.end().await;
    let ends = "SELECT string_agg(concat_ws(' ', task, key, state, outcome), ', ' ORDER BY key) FROM trueup.all_jobs";
    let ends: String = deployment.value(ends).await;
    assert!(ends.starts_with("detect 1 done in_sync, detect 2 done drifted, confirm 77 "), "{ends}");
    assert_eq!(deployment.value::<String>(counts).await, "done 1/1 0/0");
    assert_eq!(deployment.value::<String>(report).await, reported);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 0);
    assert_eq!(deployment.report(run).await.drifts.len(), 0);
}
