//! What trueup does not write although it could: what was undone, and what cannot be proved.

use crate::support::Deployment;
use trueup::Mode;
use trueup_database::{RevertOutcome, release};
use trueup_devnet::scval;

#[tokio::test]
async fn what_was_undone_is_held_until_it_is_released() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    deployment.run(Mode::Repair).await;
    let repair: i64 = deployment.value("SELECT id FROM trueup.repairs").await;

    let trueup = deployment.trueup().await;
    let kind = trueup.context().bound_kinds().next().expect("the loans");
    let mut tx = deployment.pool().begin().await.expect("a transaction");
    let outcome = kind.revert(&mut tx, repair, "someone", Some("we know better")).await.expect("an outcome");
    assert!(matches!(&outcome, RevertOutcome::Reverted { held, .. } if held == &["status"]), "{outcome:?}");
    tx.commit().await.expect("committed");
    assert_eq!(deployment.value::<String>("SELECT status FROM loans WHERE loan_id = '2'").await, "active");

    let held = deployment.run(Mode::Repair).await;
    assert_eq!(held.found(), ["stale_status status 2"]);
    assert_eq!((held.drifts[0].withheld.as_deref(), held.document.left()), (Some("held"), 1));
    assert_eq!(deployment.value::<String>("SELECT status FROM loans WHERE loan_id = '2'").await, "active");

    let mut connection = deployment.pool().acquire().await.expect("a connection");
    assert_eq!(release(&mut connection, repair).await.expect("released"), ["status"]);
    deployment.run(Mode::Repair).await;
    assert_eq!(deployment.value::<String>("SELECT status FROM loans WHERE loan_id = '2'").await, "pending");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 3, "repair, revert, repair");
}

#[tokio::test]
async fn without_its_contracts_instance_an_entry_is_compared_and_nothing_is_repaired() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    let instance = scval::instance_key(&deployment.contracts.lending).expect("a contract");
    assert!(deployment.devnet.remove_entry(&instance));
    let withheld = deployment.run(Mode::Repair).await;
    assert_eq!(withheld.found(), ["stale_status status 2"]);
    assert_eq!(withheld.document.kinds["loan"].repairs["withheld"], 1);
    assert_eq!(deployment.value::<String>("SELECT status FROM loans WHERE loan_id = '2'").await, "active");
    assert!(withheld.document.notes[0].contains("not looked for"), "the keys could not be counted: {:?}", withheld.document.notes);
}

#[tokio::test]
async fn propose_plans_like_repair_and_writes_nothing() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    let proposed = deployment.run(Mode::Propose).await;
    assert_eq!((proposed.drifts[0].action.as_str(), proposed.drifts[0].repair.as_deref()), ("update", None));
    assert_eq!(deployment.value::<String>("SELECT status FROM loans WHERE loan_id = '2'").await, "active");
}
