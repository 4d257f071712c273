//! Endpoints that fail while a run is on.

use trueup::Mode;
use trueup_devnet::Faults;

use crate::endpoints::chain::Two;
use crate::program::{Hold, Program};

const REPAIR: &[&str] = &["run", "--mode", "repair"];

fn failing() -> Faults {
    Faults { fail_percent: 100, ..Faults::default() }
}

#[tokio::test]
async fn a_run_goes_on_at_the_other_endpoint_when_its_own_fails_in_the_middle() {
    let two = Two::with_loans(60).await;
    two.deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 20").await;
    let mut hold = Hold::at(two.deployment.database.url(), "new.phase = 'match' AND old.phase <> new.phase").await;
    let program = Program::start(&two.deployment.config, REPAIR);
    hold.reached().await;
    two.deployment.rpc.faults.set(failing());
    hold.release().await;
    program.end().await.expect_code(0);
    let stamps: Vec<String> = stamps(&two).await;
    assert_eq!(stamps, vec![two.second_name(); 20], "both reads of a repair are of the same ledger, whoever answered");
    assert_eq!(two.deployment.value::<i64>("SELECT count(*) FROM loans WHERE status = 'pending'").await, 60);
}

#[tokio::test]
async fn an_endpoint_that_fails_now_and_then_costs_nothing_but_time() {
    let two = Two::with_loans(200).await;
    two.deployment.sql("UPDATE loans SET balance = balance + 1").await;
    for (served, seed) in [(&two.deployment.rpc, 1), (&two.second, 2)] {
        served.faults.set(Faults { fail_percent: 30, seed, latency_ms: 5, ..Faults::default() });
    }
    let repaired = two.deployment.run(Mode::Repair).await;
    assert_eq!(repaired.document.kinds["loan"].repairs["repaired"], 200);
    assert_eq!(two.deployment.value::<i64>("SELECT count(*) FROM loans WHERE balance <> amount").await, 0);
}

#[tokio::test]
async fn where_all_endpoints_fail_entities_fail_and_no_row_is_touched() {
    let two = Two::with_loans(10).await;
    two.deployment.sql("UPDATE loans SET status = 'active'").await;
    let trueup = two.deployment.trueup().await;
    let run = trueup_workers::start_run(trueup.context(), crate::support::new_run(Mode::Repair)).await.expect("a run");
    trueup_workers::enqueue_run(trueup.context(), run).await.expect("enqueued");
    two.deployment.rpc.faults.set(failing());
    two.second.faults.set(failing());
    let failed = two.deployment.finish(&trueup, run).await;
    assert_eq!(failed.document.kinds["loan"].verdicts["failed"], 10);
    assert_eq!(two.deployment.value::<i64>("SELECT count(*) FROM trueup.repairs").await, 0);
    let notes = failed.document.notes.join("\n");
    assert!(notes.contains(&two.first_name()) && notes.contains("set aside"), "the report says why: {notes}");
}

async fn stamps(two: &Two) -> Vec<String> {
    sqlx::query_scalar("SELECT stamp ->> 'endpoint' FROM trueup.repairs ORDER BY id")
        .fetch_all(two.deployment.pool())
        .await
        .expect("the audit")
}
