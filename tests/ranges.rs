//! Rows are looked at by the range, and what comes of each is what came of it alone.

use trueup::{Mode, Settings};
use trueup_workers::{enqueue_run, start_run};

use crate::support::{Deployment, Finished, SPEC, new_run};

/// Loans of each sort beside those in sync: drifted in one value or in two, with a key that is none, not on chain, and
/// without a row.
const SORTS: &str = "
    UPDATE loans SET status = 'active' WHERE loan_id = '2';
    UPDATE loans SET balance = balance + 1, status = 'active' WHERE loan_id = '5';
    INSERT INTO loans (loan_id, amount) VALUES ('not a number', 1), ('700', 1);
    DELETE FROM loans WHERE loan_id = '7'";

async fn sweep(deployment: &Deployment, settings: Settings) -> Finished {
    let trueup = deployment.trueup_with(settings).await;
    let run = start_run(trueup.context(), new_run(Mode::Detect)).await.expect("a run");
    enqueue_run(trueup.context(), run).await.expect("enqueued");
    deployment.finish(&trueup, run).await
}

#[tokio::test]
async fn what_is_found_does_not_depend_on_how_many_rows_are_looked_at_together() {
    let deployment = Deployment::with_loans(12).await;
    deployment.sql(SORTS).await;
    let one_by_one = sweep(&deployment, Settings { rows_per_range: 1, ..Settings::default() }).await;
    let loans = serde_json::to_value(&one_by_one.document.kinds["loan"]).expect("JSON");
    assert_eq!((loans["entities"].as_u64(), loans["verdicts"]["failed"].as_u64()), (Some(14), Some(1)), "{loans}");
    for rows_per_range in [2, 5, 1_990] {
        let together = sweep(&deployment, Settings { rows_per_range, ..Settings::default() }).await;
        assert_eq!(together.found(), one_by_one.found(), "{rows_per_range}");
        assert_eq!(serde_json::to_value(&together.document.kinds["loan"]).expect("JSON"), loans, "{rows_per_range}");
    }
}

#[tokio::test]
async fn what_is_in_sync_or_has_a_plan_has_no_job_of_its_own_and_everything_else_has() {
    let deployment = Deployment::with_loans(12).await;
    deployment.sql(SORTS).await;
    sweep(&deployment, Settings::default()).await;
    let jobs = "SELECT string_agg(format('%s %s %s', task, state, CASE WHEN task = 'detect' THEN
                    (SELECT loan_id FROM loans WHERE id::text = key) END), ', ' ORDER BY task, id)
                FROM trueup.all_jobs WHERE task IN ('sieve', 'detect', 'discover', 'confirm')";
    let jobs: String = deployment.value(jobs).await;
    assert_eq!(jobs, "confirm done , confirm done , confirm done , confirm done , detect dead not a number, discover done , sieve done ");
}

#[tokio::test]
async fn of_what_cannot_be_judged_a_job_says_so_and_the_chain_is_not_asked_twice() {
    let spec = SPEC.replace("[values]", "durability = \"temporary\"\n\n[values]");
    let deployment = Deployment::with_spec(12, &spec).await;
    let swept = sweep(&deployment, Settings::default()).await;
    assert_eq!(swept.document.kinds["loan"].not_judged["unknown:temporary_absent"], 12);
    let said =
        "SELECT string_agg(DISTINCT concat_ws(' ', state, outcome), ', ') || ' ' || count(*) FROM trueup.all_jobs WHERE task = 'detect'";
    assert_eq!(deployment.value::<String>(said).await, "done unknown:temporary_absent 12");
    assert_eq!(swept.document.usage["getLedgerEntries"], 2, "one for the counter of loans, one for all rows");
}
