use trueup::Mode;

use crate::guard::{active, guarded_by, trueup};
use crate::support::Deployment;

#[tokio::test]
async fn under_a_protocol_that_is_too_new_drift_is_found_and_nothing_is_repaired() {
    let deployment = Deployment::with_spec(20, &guarded_by("")).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 2").await;
    deployment.devnet.faults().update(|faults| faults.protocol_version = Some(31));
    let ended = trueup(&deployment, &["run", "--mode", "repair"]).await;
    ended.expect_code(4);
    assert!(ended.stdout.contains("the network runs protocol 31, and this version knows protocols up to 30"), "{}", ended.stdout);
    assert_eq!(active(&deployment).await, 2);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.drifts").await, 2);
    deployment.devnet.faults().clear();
    trueup(&deployment, &["run", "--mode", "repair"]).await.expect_code(0);
}

#[tokio::test]
async fn a_network_that_changes_while_a_run_is_on_is_noticed_before_the_first_write() {
    let deployment = Deployment::with_spec(20, &guarded_by("")).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 2").await;
    let trueup = deployment.trueup().await;
    let run = trueup_workers::start_run(trueup.context(), crate::support::new_run(Mode::Repair)).await.expect("a run");
    trueup_workers::enqueue_run(trueup.context(), run).await.expect("enqueued on the right network");
    deployment.devnet.faults().update(|faults| faults.passphrase = Some("Another Network".into()));
    let finished = deployment.finish(&trueup, run).await;
    let loans = &finished.document.kinds["loan"];
    assert!(loans.held_back.iter().any(|why| why.contains("Another Network")), "{:?}", loans.held_back);
    assert_eq!(active(&deployment).await, 2);
}
