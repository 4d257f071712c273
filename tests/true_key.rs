//! Found by the simulator, seed 2: what was kept of a row that was given its true key between the looks named the
//! made-up key.

use crate::program::{Hold, Program};
use crate::support::Deployment;

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_gets_its_true_key_between_the_looks_is_kept_under_it_and_repaired_by_the_next_run() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("UPDATE loans SET loan_id = 'pending-1', status = 'active' WHERE loan_id = '3'").await;
    let mut hold = Hold::at(deployment.database.url(), "old.phase = 'match'").await;
    let run = Program::start(&deployment.config, &["run", "loan", "--mode", "repair"]);
    hold.reached().await;
    deployment.sql("UPDATE loans SET loan_id = '3' WHERE loan_id = 'pending-1'").await;
    hold.release().await;
    run.end().await;
    // The guard counted a plan that writes nothing; what the row needs now is for a run whose guard counts that.
    assert_eq!(deployment.value::<String>("SELECT status FROM loans WHERE loan_id = '3'").await, "active");
    Program::start(&deployment.config, &["run", "loan", "--mode", "repair"]).end().await;
    assert_eq!(deployment.value::<String>("SELECT status FROM loans WHERE loan_id = '3'").await, "pending");
    for table in ["repairs", "plans", "drifts", "entities"] {
        let keys: Vec<String> = deployment
            .value(&format!(
                "SELECT array_agg(DISTINCT chain_key) FROM trueup.{table} WHERE identity = (SELECT id::text FROM loans WHERE loan_id = '3')"
            ))
            .await;
        assert_eq!(keys, ["3"], "trueup.{table}");
    }
}
