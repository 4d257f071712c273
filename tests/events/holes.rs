//! Ledgers that the endpoint no longer keeps.

use trueup::Mode;

use crate::events::feeders::{FeederTask, caught_up, cursor, holes, on_chain, stored};
use crate::events::keys::by_events;
use crate::program::Program;
use crate::support::Deployment;

/// Reads a book of 10 loans, lets 20 ledgers pass, and prunes all but the last five.
async fn pruned(deployment: &Deployment) -> (i64, i64) {
    let feeder = FeederTask::start(deployment, 100).await;
    caught_up(deployment).await;
    feeder.end().await;
    let first = cursor(deployment).await.1;
    for _ in 0..20 {
        deployment.devnet.close_ledger();
    }
    let oldest = deployment.devnet.latest().sequence - 4;
    deployment.devnet.faults().update(|faults| faults.oldest_ledger = Some(oldest));
    (first, i64::from(oldest))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hole_is_recorded_exactly_once_and_reported() {
    let deployment = by_events(10).await;
    let (first, oldest) = pruned(&deployment).await;
    let feeders = [FeederTask::start(&deployment, 100).await, FeederTask::start(&deployment, 1).await];
    caught_up(&deployment).await;
    for feeder in feeders {
        feeder.end().await;
    }
    assert_eq!(holes(&deployment).await, [(first, oldest - 1)]);
    let again = FeederTask::start(&deployment, 100).await;
    deployment.devnet.close_ledger();
    caught_up(&deployment).await;
    again.end().await;
    assert_eq!(holes(&deployment).await, [(first, oldest - 1)], "once");
    assert_eq!(stored(&deployment).await.len(), 10);

    let finished = deployment.run(Mode::Detect).await;
    let note = format!(
        "loan: the events of {} in ledgers {first} to {} are missing (pruned); what only they show was not looked for",
        deployment.contracts.lending,
        oldest - 1
    );
    assert_eq!(finished.document.notes, [note]);
    // Whoever knows of it and needs none of it says so.
    let spec = deployment.specs.path().join("loan.toml");
    let text =
        std::fs::read_to_string(&spec).expect("the spec").replace("id = \"data[0]\"", &format!("id = \"data[0]\", since = {oldest}"));
    std::fs::write(&spec, text).expect("the spec");
    assert_eq!(deployment.run(Mode::Detect).await.document.notes, Vec::<String>::new());
    let status = Program::start(&deployment.config, &["events", "status"]).end().await;
    let shown = &status.expect_code(0).stdout;
    assert!(shown.contains(&first.to_string()) && shown.contains(&(oldest - 1).to_string()) && shown.contains("pruned"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_emitted_before_the_first_ledger_read_is_said_not_to_be_known() {
    let deployment = by_events(10).await;
    deployment.devnet.close_ledger();
    let oldest = deployment.devnet.latest().sequence;
    deployment.devnet.faults().update(|faults| faults.oldest_ledger = Some(oldest));
    deployment.sql("DELETE FROM loans WHERE loan_id = '3'").await;
    let finished = deployment.run(Mode::Detect).await;
    assert_eq!(finished.found(), Vec::<String>::new());
    let note = format!(
        "loan: the events of {} from before ledger {oldest} are not stored; what only they show was not looked for",
        deployment.contracts.lending
    );
    assert_eq!(finished.document.notes, [note]);
    assert_eq!(holes(&deployment).await, [], "nothing was known before that could be missing in between");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_is_filled_by_hand_is_no_hole_any_more() {
    let deployment = by_events(10).await;
    let all = on_chain(&deployment, 2).await;
    let (first, oldest) = pruned(&deployment).await;
    let feeder = FeederTask::start(&deployment, 100).await;
    caught_up(&deployment).await;
    feeder.end().await;
    let mut connection = deployment.pool().acquire().await.expect("a connection");
    let events = trueup_database::events::by_ids(&mut connection, &all).await.expect("the events");
    trueup_database::events::fill(&mut connection, &deployment.contracts.lending, first, oldest - 1, &events).await.expect("filled");
    assert_eq!(holes(&deployment).await, []);
    assert_eq!(deployment.run(Mode::Detect).await.document.notes, Vec::<String>::new());
}
