use trueup::Sweep;

use super::{remember, sweep};
use crate::support::{Deployment, SPEC};

#[tokio::test]
async fn what_has_not_moved_has_no_job_and_is_counted() {
    let deployment = Deployment::with_loans(450).await;
    remember(&deployment, 450).await;
    deployment.devnet.reset_calls();
    let swept = sweep(&deployment, Sweep::Incremental).await;
    let loans = &swept.document.kinds["loan"];
    assert_eq!((loans.entities, loans.unmoved, loans.verdicts["in_sync"]), (450, 450, 450));
    assert_eq!(swept.document.run.sweep, Sweep::Incremental);
    let jobs: i64 = deployment
        .value("SELECT count(*) FROM trueup.all_jobs WHERE group_id = (SELECT max(id) FROM trueup.runs) AND task = 'detect'")
        .await;
    assert_eq!(jobs, 0);
    let calls = deployment.devnet.calls()["getLedgerEntries"];
    assert!(calls <= 3 + 1, "450 keys at 199 a call, and the counter: {calls}");
}

#[tokio::test]
async fn only_what_has_moved_is_looked_at() {
    let deployment = Deployment::with_loans(300).await;
    remember(&deployment, 300).await;
    deployment
        .sql("UPDATE loans SET status = 'active' WHERE id = 7; UPDATE loans SET updated_at = now() - interval '2 hours' WHERE id = 8")
        .await;
    let swept = sweep(&deployment, Sweep::Incremental).await;
    assert_eq!(swept.found(), ["stale_status status 7"]);
    let loans = &swept.document.kinds["loan"];
    assert_eq!((loans.entities, loans.unmoved, loans.verdicts["in_sync"], loans.verdicts["drifted"]), (300, 298, 299, 1));
}

#[tokio::test]
async fn a_first_incremental_sweep_looks_at_everything() {
    let deployment = Deployment::with_loans(30).await;
    deployment.sql("UPDATE loans SET balance = 0 WHERE id = 3; DELETE FROM loans WHERE id = 4").await;
    let swept = sweep(&deployment, Sweep::Incremental).await;
    assert_eq!(swept.found(), ["missing_row  4", "stale_value balance 3"]);
    assert_eq!((swept.document.kinds["loan"].entities, swept.document.kinds["loan"].unmoved), (30, 0));
}

#[tokio::test]
async fn rows_outside_where_are_no_more_swept_than_in_a_full_sweep() {
    let spec = SPEC.replace("changed = \"updated_at\"", "changed = \"updated_at\"\nwhere = \"status <> 'rejected'\"");
    let deployment = Deployment::with_spec(20, &spec).await;
    remember(&deployment, 20).await;
    deployment.sql("UPDATE loans SET status = 'rejected', balance = 0 WHERE id <= 5").await;
    let swept = sweep(&deployment, Sweep::Incremental).await;
    assert_eq!(swept.document.kinds["loan"].entities, 15);
    deployment.sql("UPDATE loans SET status = 'pending' WHERE id <= 2").await;
    assert_eq!(sweep(&deployment, Sweep::Incremental).await.found(), ["stale_value balance 1", "stale_value balance 2"]);
}

#[tokio::test]
async fn the_share_that_the_guard_allows_is_of_all_rows() {
    let spec = SPEC.replace("max_share = \"100%\"", "max_share = \"10%\"");
    let deployment = Deployment::with_spec(100, &spec).await;
    remember(&deployment, 100).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 5").await;
    let swept = sweep(&deployment, Sweep::Incremental).await;
    let guard = swept.document.kinds["loan"].guard.clone().expect("it was asked");
    assert_eq!((guard.guarded.entities, guard.guarded.plans, guard.tripped), (100, 5, false));
}

#[tokio::test]
async fn a_changed_spec_forgets_what_it_judged() {
    let deployment = Deployment::with_loans(20).await;
    remember(&deployment, 20).await;
    let spec = SPEC.replace("Pending = \"pending\"", "Pending = \"waiting\"").replace("${LENDING}", &deployment.contracts.lending);
    std::fs::write(deployment.specs.path().join("loan.toml"), spec).expect("the spec");
    let swept = sweep(&deployment, Sweep::Incremental).await;
    assert_eq!((swept.found().len(), swept.document.kinds["loan"].unmoved), (20, 0));
}

#[tokio::test]
async fn fingerprints_of_rows_that_are_gone_are_forgotten() {
    let deployment = Deployment::with_loans(12).await;
    remember(&deployment, 12).await;
    deployment.sql("DELETE FROM loans WHERE id <= 4").await;
    sweep(&deployment, Sweep::Full).await;
    assert_eq!(super::fingerprints(&deployment).await, 8);
}

#[tokio::test]
async fn code_that_nobody_accepted_is_behind_no_row_that_is_passed_over() {
    let deployment = Deployment::with_loans(12).await;
    remember(&deployment, 12).await;
    assert!(deployment.devnet.replace_code(&deployment.contracts.lending, [0xab; 32]).expect("a contract"));
    for _ in 0..2 {
        let swept = sweep(&deployment, Sweep::Incremental).await;
        assert_eq!(swept.document.kinds["loan"].unmoved, 0);
        assert!(!swept.document.kinds["loan"].held_back.is_empty());
        // Each row leaves a fingerprint under the new code, and is looked at again all the same.
    }
}
