//! Keys that events name and the table lacks.

use trueup::Mode;

use crate::events::feeders::stored;
use crate::support::{Deployment, SPEC};

const COUNTER: &str = r#"enumerate = { counter = { instance = "LOANCNT", first = 1, holds = "last" } }"#;

/// A lending book whose loans are found by the events of their creation.
pub async fn by_events(loans: u32) -> Deployment {
    let events = r#"enumerate = { events = { topics = ["LOANCRTD", "*"], id = "data[0]" } }"#;
    Deployment::with_spec(loans, &SPEC.replace(COUNTER, events)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_reads_the_events_and_finds_the_rows_that_they_lack() {
    let deployment = by_events(12).await.with_one_connection();
    deployment.sql("DELETE FROM loans WHERE loan_id IN ('3', '11')").await;
    let detected = deployment.run(Mode::Detect).await;
    assert_eq!(detected.found(), ["missing_row  11", "missing_row  3"]);
    assert_eq!(detected.document.notes, Vec::<String>::new());
    assert_eq!(stored(&deployment).await.len(), 12);
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 2);
    assert_eq!(deployment.run(Mode::Detect).await.document.total("in_sync"), 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_chain_lists_no_events_the_rest_is_looked_at_and_the_report_says_so() {
    let deployment = by_events(12).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE loan_id = '5'; DELETE FROM loans WHERE loan_id = '3'").await;
    let trueup = deployment.trueup().await;
    // Of what enqueueing asks, the health alone fails, with all its retries.
    deployment.devnet.faults().update(|faults| faults.fail_next = 4);
    let run = trueup_workers::start_run(trueup.context(), crate::support::new_run(Mode::Detect)).await.expect("a run");
    trueup_workers::enqueue_run(trueup.context(), run).await.expect("enqueued");
    let finished = deployment.finish(&trueup, run).await;
    assert_eq!(finished.found(), ["stale_status status 5"]);
    let [note] = finished.document.notes.as_slice() else { panic!("{:?}", finished.document.notes) };
    assert!(note.starts_with(&format!("loan: no events of {} have been read: RPC ", deployment.contracts.lending)), "{note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_wait_for_their_key_are_matched_with_events_that_were_read_until_now() {
    let spec = SPEC.replace(
        "when = \"loan_id like 'pending-%'\"",
        "when = \"loan_id like 'pending-%'\"\nevent = { topics = [\"LOANCRTD\", \"wallet\"], id = \"data[0]\" }",
    );
    let deployment = Deployment::with_spec(7, &spec).await;
    deployment.run(Mode::Detect).await;
    assert_eq!(stored(&deployment).await.len(), 0, "there is nothing to match");
    deployment.sql("INSERT INTO loans (loan_id, amount) VALUES ('pending-1', 1)").await;
    let finished = deployment.run(Mode::Detect).await;
    assert_eq!((stored(&deployment).await.len(), finished.document.notes), (7, Vec::new()));
}
