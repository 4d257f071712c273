//! The main job, end to end: drift is found, proved, repaired and reported, and nothing else is touched.

use crate::support::{Deployment, new_run};
use tokio_util::sync::CancellationToken;
use trueup::Mode;
use trueup_workers::{cancel, enqueue_run, start_run};

#[tokio::test]
async fn a_clean_application_has_no_drift_and_costs_full_calls_only() {
    let deployment = Deployment::with_loans(1_000).await;
    deployment.devnet.reset_calls();
    let clean = deployment.run(Mode::Detect).await;
    assert_eq!(clean.found(), Vec::<String>::new());
    assert_eq!(clean.document.kinds["loan"].verdicts["in_sync"], 1_000);
    let calls = clean.document.usage["getLedgerEntries"];
    assert!(calls <= 6 + 2, "1,000 keys at 199 a call, the counter, and one for the tail: {calls}");
    assert_eq!(calls, deployment.devnet.calls()["getLedgerEntries"], "what the report says is what the chain saw");
}

#[tokio::test]
async fn what_was_injected_is_found_with_its_class_and_nothing_else() {
    let deployment = Deployment::with_loans(60).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '1'").await;
    deployment.sql("UPDATE loans SET balance = balance - 0.0000001 WHERE loan_id = '2'").await;
    deployment.sql("UPDATE loans SET balance = NULL WHERE loan_id = '3'").await;
    deployment.sql("UPDATE loans SET wallet = 'nobody', status = 'paid' WHERE loan_id = '4'").await;
    deployment.sql("DELETE FROM loans WHERE loan_id = '5'").await;
    deployment.sql("INSERT INTO loans (loan_id, amount) VALUES ('999', 1)").await;
    let detected = deployment.run(Mode::Detect).await;
    let expected = [
        "missing_on_chain  61",
        "missing_row  5",
        "stale_status status 1",
        "stale_status status 4",
        "stale_value balance 2",
        "stale_value balance 3",
        "stale_value wallet 4",
    ];
    assert_eq!(detected.found(), expected);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 0, "detect writes nothing");

    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.found(), expected);
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 5);
    let again = deployment.run(Mode::Detect).await;
    assert_eq!(again.found(), ["missing_on_chain  61"], "only a person may decide about it");
    let restored: String =
        deployment.value("SELECT concat_ws(' ', wallet IS NOT NULL, amount, balance, status) FROM loans WHERE loan_id = '5'").await;
    assert_eq!(restored, "t 5 5 pending");
}

#[tokio::test]
async fn a_repair_is_audited_with_both_sides_and_what_it_rests_on() {
    let deployment = Deployment::with_loans(3).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    deployment.run(Mode::Repair).await;
    let audit: String = deployment
        .value("SELECT concat_ws(' ', before ->> 'status', intended ->> 'status', after ->> 'status', altered, chain_entry IS NOT NULL, (stamp ->> 'ledger')::int > 0, plan IS NOT NULL, job IS NOT NULL, lease > 0) FROM trueup.repairs")
        .await;
    assert_eq!(audit, "active pending pending f t t t t t");
}

#[tokio::test]
async fn the_chain_is_only_ever_read() {
    let deployment = Deployment::with_loans(20).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id < 5").await;
    deployment.devnet.reset_calls();
    deployment.run(Mode::Repair).await;
    let methods: Vec<String> = deployment.devnet.calls().into_keys().collect();
    assert_eq!(methods, ["getLedgerEntries", "getNetwork"]);
}

#[tokio::test]
async fn while_a_row_waits_for_its_real_id_missing_rows_are_reported_and_not_inserted() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("UPDATE loans SET loan_id = 'pending-4' WHERE loan_id = '4'").await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.found(), ["missing_row  4", "provisional_id  4"]);
    let missing = repaired.drifts.iter().find(|drift| drift.class == "missing_row").expect("the missing row");
    assert_eq!(missing.withheld.as_deref(), Some("may_be_provisional"));
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans").await, 5);
}

#[tokio::test]
async fn a_row_whose_key_does_not_cast_fails_alone() {
    let deployment = Deployment::with_loans(300).await;
    deployment.sql("INSERT INTO loans (loan_id, amount) VALUES ('not a number', 1), ('🦀 o''clock \"x\"', 1)").await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '7'").await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.found(), ["stale_status status 7"]);
    assert_eq!((repaired.document.total("failed"), repaired.document.total("in_sync")), (2, 299));
    let errors: i64 =
        deployment.value("SELECT count(*) FROM trueup.all_jobs WHERE state = 'dead' AND error LIKE '%invalid input syntax%'").await;
    assert_eq!(errors, 2, "each says why");
}

#[tokio::test]
async fn an_archived_entry_is_compared_and_flagged() {
    let deployment = Deployment::with_loans(3).await;
    let key = deployment.loan_key(2);
    assert!(deployment.devnet.archive(&key));
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '2'").await;
    let detected = deployment.run(Mode::Detect).await;
    assert_eq!(detected.found(), ["stale_status status 2"]);
    assert_eq!((detected.drifts[0].archived, detected.document.kinds["loan"].archived), (Some(true), 1));
}

#[tokio::test]
async fn an_rpc_that_fails_makes_failed_entities_and_touches_no_row() {
    let deployment = Deployment::with_loans(10).await;
    deployment.sql("UPDATE loans SET status = 'active'").await;
    let trueup = deployment.trueup().await;
    let run = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued while the chain still answers");
    deployment.devnet.faults().update(|faults| (faults.fail_percent, faults.fail_status) = (100, 503));
    let failed = deployment.finish(&trueup, run).await;
    assert_eq!((failed.document.total("failed"), failed.document.total("drifted")), (10, 0));
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans WHERE status = 'active'").await, 10);
}

#[tokio::test]
async fn a_cancelled_run_has_a_partial_report_that_says_so() {
    let deployment = Deployment::with_loans(10).await;
    let trueup = deployment.trueup().await;
    let run = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    assert!(cancel(trueup.context().pools(), run).await.expect("cancelled"));
    assert!(!cancel(trueup.context().pools(), run).await.expect("a second time it has ended"));
    let cancelled = deployment.finish(&trueup, run).await;
    assert_eq!((cancelled.document.run.state.as_str(), cancelled.document.run.partial), ("cancelled", true));
    assert_eq!((cancelled.document.total("unjudged"), cancelled.document.kinds["loan"].ranges_missed), (1, 1));
}

#[tokio::test]
async fn a_run_past_its_deadline_has_a_partial_report_that_says_so() {
    let deployment = Deployment::with_loans(10).await;
    let trueup = deployment.trueup().await;
    let run = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    deployment.sql("UPDATE trueup.runs SET deadline = now() - interval '1 second'").await;
    let stop = CancellationToken::new();
    let scheduler = tokio::spawn(trueup.clone().scheduler(Vec::new(), stop.clone()));
    while deployment.value::<String>("SELECT state FROM trueup.runs").await == "running" {
        tokio::task::yield_now().await;
    }
    stop.cancel();
    scheduler.await.expect("no panic").expect("ends well");
    let late = deployment.finish(&trueup, run).await;
    assert_eq!((late.document.run.state.as_str(), late.document.run.partial), ("timed_out", true));
}

#[tokio::test]
async fn an_empty_table_is_a_clean_run() {
    let deployment = Deployment::with_loans(0).await;
    let clean = deployment.run(Mode::Repair).await;
    assert_eq!((clean.document.kinds["loan"].entities, clean.document.run.state.as_str()), (0, "completed"));
}

#[tokio::test]
async fn two_runs_at_once_repair_each_row_once() {
    let deployment = Deployment::with_loans(200).await;
    deployment.sql("UPDATE loans SET status = 'active', balance = 0").await;
    let trueup = deployment.trueup().await;
    let first = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    let second = start_run(trueup.context(), new_run(Mode::Repair)).await.expect("a run");
    enqueue_run(trueup.context(), second).await.expect("enqueued");
    deployment.finish(&trueup, first).await;
    deployment.finish(&trueup, second).await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 200);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans WHERE status <> 'pending' OR balance <> amount").await, 0);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.reports").await, 2, "each run has its one report");
}

#[tokio::test]
async fn a_write_of_the_application_just_now_is_looked_at_again_before_it_is_called_drift() {
    let deployment =
        Deployment::with_spec(3, &crate::support::SPEC.replace("[values]", "[settle]\ngrace = \"2 seconds\"\n\n[values]")).await;
    deployment.sql("UPDATE loans SET status = 'active', updated_at = now() WHERE loan_id = '2'").await;
    let detected = deployment.run(Mode::Detect).await;
    assert_eq!(detected.found(), ["stale_status status 2"]);
    assert!(deployment.value::<i32>("SELECT looks FROM trueup.all_jobs WHERE task = 'detect' AND key = '2'").await >= 1);
}
