//! Runs whose one job died that all the rest waits for: what looks at all plans, what writes the report.

use trueup::{Mode, RunId};
use trueup_workers::{enqueue_run, start_run};

use crate::lifecycle::roles::{Roles, until};
use crate::support::{Deployment, new_run};

/// Makes Postgres refuse the writes of a table, where the condition holds.
async fn refuse(deployment: &Deployment, table: &str, writes: &str, condition: &str) {
    deployment
        .sql(&format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
             CREATE TRIGGER refuse BEFORE {writes} ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION refuse()"
        ))
        .await;
}

/// A run with one stale row, worked on until this job of it is dead. No scheduler is there yet.
async fn run_until_dead(deployment: &Deployment, task: &str) -> (Roles, RunId) {
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    let roles = Roles::of(deployment).await;
    let run = start_run(roles.trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(roles.trueup.context(), run).await.expect("enqueued");
    let roles = roles.worker("test");
    until(deployment, &format!("EXISTS (SELECT FROM trueup.all_jobs WHERE task = '{task}' AND state = 'dead' AND error LIKE '%not now%')"))
        .await;
    (roles, run)
}

#[tokio::test]
async fn a_report_that_could_not_be_written_for_a_while_is_written_once_in_the_end() {
    let deployment = Deployment::with_loans(3).await;
    refuse(&deployment, "trueup.reports", "INSERT", "true").await;
    let (roles, run) = run_until_dead(&deployment, "aggregate").await;
    let roles = roles.scheduler(&[]);
    deployment.sql("DROP FUNCTION refuse CASCADE").await;
    let finished = deployment.await_report(&roles.trueup, run).await;
    roles.end().await;
    assert_eq!((finished.document.run.state.as_str(), finished.document.run.partial), ("completed", false));
    let loans = &finished.document.kinds["loan"];
    assert_eq!((loans.entities, loans.verdicts["in_sync"], loans.repairs["repaired"]), (3, 2, 1));
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.reports").await, 1);
}

#[tokio::test]
async fn a_report_is_tried_again_also_past_the_deadline_and_after_it_died_more_than_once() {
    let deployment = Deployment::with_loans(3).await;
    // Each death of the job leaves a line, also that of a job that is dead for a moment only.
    deployment
        .sql(
            "CREATE TABLE deaths (at timestamptz NOT NULL DEFAULT now());
             CREATE FUNCTION died() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO deaths DEFAULT VALUES; RETURN NULL; END $$;
             CREATE TRIGGER died AFTER UPDATE ON trueup.jobs FOR EACH ROW
                 WHEN (new.state = 'dead' AND new.task = 'aggregate') EXECUTE FUNCTION died();
             CREATE TRIGGER died AFTER INSERT ON trueup.outcomes FOR EACH ROW
                 WHEN (new.state = 'dead' AND new.task = 'aggregate') EXECUTE FUNCTION died()",
        )
        .await;
    refuse(&deployment, "trueup.reports", "INSERT", "true").await;
    let (roles, run) = run_until_dead(&deployment, "aggregate").await;
    deployment.sql("UPDATE trueup.runs SET deadline = now() - interval '1 hour'").await;
    let roles = roles.scheduler(&[]);
    until(&deployment, "(SELECT count(*) FROM deaths) >= 3").await;
    deployment.sql("DROP FUNCTION refuse CASCADE").await;
    let finished = deployment.await_report(&roles.trueup, run).await;
    roles.end().await;
    assert_eq!(finished.document.run.state, "completed", "all of it was done in time but the report");
}

#[tokio::test]
async fn plans_that_could_not_be_matched_for_a_while_are_matched_and_repaired_in_the_end() {
    let deployment = Deployment::with_loans(3).await;
    refuse(&deployment, "trueup.runs", "UPDATE", "old.phase = 'match' AND new.phase <> 'match' AND new.state = 'running'").await;
    let (roles, run) = run_until_dead(&deployment, "match").await;
    let roles = roles.scheduler(&[]);
    deployment.sql("DROP FUNCTION refuse CASCADE").await;
    let finished = deployment.await_report(&roles.trueup, run).await;
    roles.end().await;
    assert_eq!((finished.document.run.state.as_str(), finished.document.run.partial), ("completed", false));
    assert_eq!(finished.found(), ["stale_status status 2"]);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans WHERE status = 'active'").await, 0);
}

#[tokio::test]
async fn plans_that_can_never_be_matched_end_at_the_deadline_in_a_partial_report_without_repairs() {
    let deployment = Deployment::with_loans(3).await;
    refuse(&deployment, "trueup.runs", "UPDATE", "old.phase = 'match' AND new.phase <> 'match' AND new.state = 'running'").await;
    let (roles, run) = run_until_dead(&deployment, "match").await;
    deployment.sql("UPDATE trueup.runs SET deadline = now()").await;
    let roles = roles.scheduler(&[]);
    let finished = deployment.await_report(&roles.trueup, run).await;
    roles.end().await;
    assert_eq!((finished.document.run.state.as_str(), finished.document.run.partial), ("timed_out", true));
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 0);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans WHERE status = 'active'").await, 1);
}
