//! Workers that share a run, and that leave it.

use trueup::Mode;
use trueup_workers::{enqueue_run, start_run};

use crate::lifecycle::roles::{Roles, until};
use crate::program::Program;
use crate::support::{Deployment, new_run};

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_of_the_same_name_do_each_job_once() {
    let deployment = Deployment::with_loans(300).await;
    deployment.sql("UPDATE loans SET status = 'active'").await;
    let roles = Roles::of(&deployment).await.worker("twin").worker("twin").scheduler(&[]);
    let run = start_run(roles.trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    let repaired = deployment.await_report(&roles.trueup, run).await;
    roles.end().await;
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 300);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_stop_gives_up_what_it_holds_and_exits_cleanly() {
    let deployment = Deployment::with_loans(1_500).await;
    deployment.devnet.faults().update(|faults| faults.latency_ms = 300);
    let worker = Program::start(&deployment.config, &["worker"]);
    let trueup = deployment.trueup().await;
    let run = start_run(trueup.context(), new_run(Mode::Detect)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    until(&deployment, "EXISTS (SELECT FROM trueup.all_jobs WHERE state = 'leased')").await;
    worker.terminate();
    worker.end().await.expect_code(0);
    let held: i64 = deployment.value("SELECT count(*) FROM trueup.all_jobs WHERE state = 'leased' OR failures > 0").await;
    assert_eq!(held, 0, "what it did not finish is free at once, and has not failed");
    deployment.devnet.faults().clear();
    assert_eq!(deployment.finish(&trueup, run).await.document.total("in_sync"), 1_500);
}
