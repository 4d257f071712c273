//! Runs that still lack jobs.

use trueup::Mode;
use trueup_workers::start_run;

use crate::lifecycle::roles::{Roles, until};
use crate::support::{Deployment, jobs, new_run};

#[tokio::test]
async fn a_run_whose_scheduler_died_is_filled_by_another_once_its_claim_has_expired() {
    let deployment = Deployment::with_loans(30).await;
    let roles = Roles::of(&deployment).await;
    let context = roles.trueup.context().clone();
    let orphan = start_run(&context, new_run(Mode::Detect)).await.expect("a run");
    deployment.sql(&format!("UPDATE trueup.runs SET enqueue_until = now() + interval '1 hour' WHERE id = {orphan}")).await;
    let free = start_run(&context, new_run(Mode::Detect)).await.expect("a run");
    let roles = roles.scheduler(&[]).worker("test");
    deployment.await_report(&roles.trueup, free).await;
    let phase: String = deployment.value(&format!("SELECT phase FROM trueup.runs WHERE id = {orphan}")).await;
    assert_eq!(phase, "enqueue", "whoever claimed it may still be at it");

    deployment.sql(&format!("UPDATE trueup.runs SET enqueue_until = now() - interval '1 second' WHERE id = {orphan}")).await;
    let resumed = deployment.await_report(&roles.trueup, orphan).await;
    assert_eq!(resumed.document.total("in_sync"), 30);
    roles.end().await;
}

#[tokio::test]
async fn a_run_of_a_kind_that_has_its_spec_elsewhere_is_left_alone_and_holds_nobody_up() {
    let deployment = Deployment::with_loans(3).await;
    deployment
        .sql("INSERT INTO trueup.runs (origin, kinds, mode, deadline) VALUES ('elsewhere', '{other}', 'detect', now() + interval '1 hour')")
        .await;
    let roles = Roles::of(&deployment).await.scheduler(&[]).worker("test");
    let run = start_run(roles.trueup.context(), new_run(Mode::Detect)).await.expect("a run");
    deployment.await_report(&roles.trueup, run).await;
    roles.end().await;
    let free: bool =
        deployment.value("SELECT enqueue_until IS NULL AND phase = 'enqueue' FROM trueup.runs WHERE origin = 'elsewhere'").await;
    assert!(free, "whoever has the spec need not wait");
}

#[tokio::test]
async fn a_run_that_was_cancelled_while_its_plans_were_being_matched_confirms_none() {
    let deployment = Deployment::with_loans(3).await;
    let roles = Roles::of(&deployment).await;
    let run = start_run(roles.trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    assert!(trueup_workers::cancel(roles.trueup.context().pools(), run).await.expect("cancelled"));
    // What a worker that held the job at that moment goes on with.
    deployment.sql(&format!("INSERT INTO trueup.plans (run, kind, identity, plan) VALUES ({run}, 'loan', '1', '{{}}')")).await;
    jobs::add(&deployment, run.0, "match", "", &run.to_string()).await;
    let roles = roles.worker("test");
    until(&deployment, "NOT EXISTS (SELECT FROM trueup.all_jobs WHERE state <> 'done')").await;
    roles.end().await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.all_jobs WHERE task = 'confirm'").await, 0);
    assert_eq!(deployment.report(run).await.document.run.state, "cancelled");
}
