//! An endpoint that is behind: it says what was true once.

use trueup::Mode;
use trueup_devnet::Faults;

use crate::endpoints::chain::{Two, change_on_chain, pass_ledgers};

fn behind() -> Faults {
    Faults { lag_ledgers: 20, ..Faults::default() }
}

#[tokio::test]
async fn an_endpoint_that_is_behind_never_causes_a_repair() {
    let two = Two::with_loans(10).await;
    pass_ledgers(&two.deployment, 10);
    change_on_chain(&two.deployment, 3, "Active");
    pass_ledgers(&two.deployment, 10);
    two.deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '3'").await;
    two.deployment.rpc.faults.set(behind());
    let clean = two.deployment.run(Mode::Repair).await;
    assert_eq!(clean.found(), Vec::<String>::new(), "what it says is not even looked at");
    assert_eq!(clean.document.kinds["loan"].verdicts["in_sync"], 10);
    assert_eq!(two.status(3).await, "active");
    assert!(clean.document.notes.is_empty(), "all is judged, whoever was set aside: {:?}", clean.document.notes);
}

#[tokio::test]
async fn an_endpoint_that_is_behind_cannot_undo_a_repair() {
    let mut two = Two::with_loans(10).await;
    pass_ledgers(&two.deployment, 10);
    change_on_chain(&two.deployment, 3, "Active");
    pass_ledgers(&two.deployment, 10);
    let repaired = two.deployment.run(Mode::Repair).await;
    assert_eq!(repaired.found(), ["stale_status status 3"]);
    assert_eq!(two.status(3).await, "active");

    // Another process, which knows of one endpoint only, and that one is behind.
    two.deployment.config.rpc_urls.clear();
    two.deployment.rpc.faults.set(behind());
    let stale = two.deployment.run(Mode::Repair).await;
    assert_eq!(stale.found(), Vec::<String>::new());
    assert_eq!(stale.document.kinds["loan"].not_judged["unknown:behind_floor"], 1);
    assert_eq!(two.status(3).await, "active");
}

#[tokio::test]
async fn a_row_that_was_inserted_and_is_gone_is_not_brought_back_as_it_once_was() {
    let mut two = Two::with_loans(10).await;
    pass_ledgers(&two.deployment, 30);
    two.deployment.sql("DELETE FROM loans WHERE loan_id = '3'").await;
    two.deployment.run(Mode::Repair).await;
    assert_eq!(two.status(3).await, "pending", "it is inserted");
    two.deployment.sql("DELETE FROM loans WHERE loan_id = '3'").await;
    two.deployment.config.rpc_urls.clear();
    two.deployment.rpc.faults.set(behind());
    let stale = two.deployment.run(Mode::Repair).await;
    assert_eq!(stale.document.kinds["loan"].not_judged["unknown:behind_floor"], 1);
    assert_eq!(two.deployment.value::<i64>("SELECT count(*) FROM loans WHERE loan_id = '3'").await, 0);
}
