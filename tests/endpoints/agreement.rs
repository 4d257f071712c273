//! `confirm = 2`: a row is repaired only if two endpoints show the same.

use trueup::Mode;
use trueup_devnet::Faults;

use crate::endpoints::chain::{Two, change_on_chain, lie, pass_ledgers};
use crate::support::Finished;

async fn details(two: &Two) -> String {
    two.deployment.value("SELECT coalesce(string_agg(detail, '|'), '') FROM trueup.plans").await
}

fn withheld(finished: &Finished) -> u64 {
    finished.document.kinds["loan"].repairs.get("withheld").copied().unwrap_or_default()
}

#[tokio::test]
async fn what_two_endpoints_show_is_repaired_and_the_audit_names_both() {
    let two = Two::that_agree(250).await;
    two.deployment.sql("UPDATE loans SET status = 'active'; DELETE FROM loans WHERE loan_id = '7'").await;
    two.deployment.devnet.reset_calls();
    let repaired = two.deployment.run(Mode::Repair).await;
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 250);
    let stamps: String = two
        .deployment
        .value("SELECT string_agg(DISTINCT stamp ->> 'endpoint' || ' ' || (stamp ->> 'confirmed_by'), '|') FROM trueup.repairs")
        .await;
    assert_eq!(stamps, format!("{} {}", two.first_name(), two.second_name()));
    let calls = two.deployment.devnet.calls()["getLedgerEntries"];
    assert!(calls <= 12, "three looks of two calls each, the counter, and what comes in late: {calls}");
}

#[tokio::test]
async fn an_endpoint_that_lies_repairs_nothing_and_is_named() {
    let two = Two::that_agree(10).await;
    two.deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '3'").await;
    two.deployment.rpc.faults.set(lie(&two.deployment, 2, "Paid"));
    let report = two.deployment.run(Mode::Repair).await;
    assert_eq!(report.found(), ["stale_status status 2", "stale_status status 3"]);
    assert_eq!((report.document.kinds["loan"].repairs["repaired"], withheld(&report)), (1, 1));
    assert_eq!((two.status(2).await.as_str(), two.status(3).await.as_str()), ("pending", "pending"), "only what both show");
    let details = details(&two).await;
    assert!(details.contains("no second endpoint agreed"), "{details}");
    assert!(details.contains(&two.first_name()) && details.contains(&two.second_name()), "{details}");
    assert_eq!(report.document.left(), 1, "it stays for a person");
}

#[tokio::test]
async fn a_second_endpoint_that_lies_prevents_a_repair_and_causes_none() {
    let two = Two::that_agree(10).await;
    two.deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '3'").await;
    two.second.faults.set(lie(&two.deployment, 3, "Active"));
    let report = two.deployment.run(Mode::Repair).await;
    assert_eq!((report.found(), withheld(&report)), (vec!["stale_status status 3".to_owned()], 1));
    assert_eq!(two.status(3).await, "active");
    two.second.faults.clear();
    two.deployment.run(Mode::Repair).await;
    assert_eq!(two.status(3).await, "pending");
}

#[tokio::test]
async fn without_a_second_endpoint_that_is_fit_nothing_is_repaired_and_all_is_reported() {
    for faults in [Faults { lag_ledgers: 20, ..Faults::default() }, Faults { fail_percent: 100, ..Faults::default() }] {
        let two = Two::that_agree(10).await;
        pass_ledgers(&two.deployment, 30);
        two.deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '3'").await;
        two.second.faults.set(faults);
        let report = two.deployment.run(Mode::Repair).await;
        assert_eq!((report.found(), withheld(&report)), (vec!["stale_status status 3".to_owned()], 1));
        assert_eq!(two.status(3).await, "active");
        let details = details(&two).await;
        assert!(details.contains("no second endpoint agreed") && details.contains(&two.second_name()), "{details}");
        let notes = report.document.notes.join("\n");
        assert!(notes.contains(&two.second_name()) && notes.contains("set aside"), "the report says why: {notes}");
    }
}

#[tokio::test]
async fn a_second_endpoint_that_has_not_seen_the_change_yet_is_asked_again() {
    let two = Two::that_agree(10).await;
    pass_ledgers(&two.deployment, 10);
    change_on_chain(&two.deployment, 3, "Active");
    // One ledger behind, which is no reason to set it aside: it shows the loan as it was before.
    two.second.faults.set(Faults { lag_ledgers: 1, ..Faults::default() });
    let report = two.deployment.run(Mode::Repair).await;
    assert_eq!((withheld(&report), two.status(3).await.as_str()), (1, "pending"));
    let looks: i32 = two.deployment.value("SELECT max(looks) FROM trueup.all_jobs WHERE task = 'confirm'").await;
    assert_eq!(looks, 3, "as often as anything that moves");
    pass_ledgers(&two.deployment, 1);
    two.deployment.run(Mode::Repair).await;
    assert_eq!(two.status(3).await, "active", "still one behind, and past the ledger that changed it");
}

#[tokio::test]
async fn a_report_needs_no_second_endpoint() {
    let two = Two::that_agree(10).await;
    two.deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '3'").await;
    two.second.faults.set(Faults { fail_percent: 100, ..Faults::default() });
    for mode in [Mode::Detect, Mode::Propose] {
        let report = two.deployment.run(mode).await;
        assert_eq!((report.found(), withheld(&report)), (vec!["stale_status status 3".to_owned()], 0));
    }
}
