//! Transactions that the chain has and the table lacks.

use stellar_xdr::ScVal;
use trueup::Mode;
use trueup_devnet::scval;

use crate::support::Deployment;

const SPEC: &str = r#"
kind  = "transaction"
table = "transactions"

[chain]
source    = "transaction"
hash      = "hash"
state     = "status"
submitted = "submitted_at"
states    = { pending = "pending", succeeded = "success", failed = "failed" }
enumerate = { events = { contract = "${LENDING}", topics = ["LOANREPD"] } }

[insert]
submitted_at = "chain.closed_at"
ledger       = "chain.ledger"
note         = "'found by ' || left(key.hash, 4)"
"#;

const TABLE: &str = "CREATE TABLE transactions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash text UNIQUE,
    status text NOT NULL,
    submitted_at timestamptz,
    ledger bigint,
    note text
)";

/// Three repayments, of which the application wrote down the first; and something else.
async fn repaid(repair: &str) -> (Deployment, Vec<String>) {
    let deployment = Deployment::with_spec(1, &format!("{SPEC}{repair}")).await;
    deployment.sql(TABLE).await;
    let source = deployment.devnet.account(1).expect("funded");
    let call = |function: &str, amount: i128| {
        let args = vec![ScVal::U64(1), scval::i128(amount)];
        deployment.devnet.invoke(&source, &deployment.contracts.lending, function, args).expect("included").hash
    };
    call("release", 10_000_000);
    let hashes: Vec<String> = (1..=3).map(|amount| call("repay", amount)).collect();
    call("repay", i128::from(u64::MAX));
    sqlx::query("INSERT INTO transactions (hash, status) VALUES ($1, 'success')")
        .bind(format!("0x{}", hashes[0].to_uppercase()))
        .execute(deployment.pool())
        .await
        .expect("a row");
    (deployment, hashes)
}

fn missed(hashes: &[String]) -> Vec<String> {
    let mut missed: Vec<String> = hashes.iter().map(|hash| format!("missed_event  {hash}")).collect();
    missed.sort();
    missed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_the_chain_has_and_the_table_lacks_is_reported() {
    let (deployment, hashes) = repaid("").await;
    let finished = deployment.run(Mode::Repair).await;
    assert_eq!(finished.found(), missed(&hashes[1..]));
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM transactions").await, 1, "nobody asked for more");
    assert_eq!(finished.document.kinds["transaction"].verdicts["in_sync"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_transaction_is_inserted_where_the_spec_asks_for_it_and_only_once() {
    let (deployment, hashes) = repaid("[repair]\nmissed_event = \"insert\"\n").await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.document.kinds["transaction"].repairs["repaired"], 2);
    let rows: Vec<(String, String, bool, String)> = sqlx::query_as(
        "SELECT t.hash, t.status, t.ledger = e.ledger AND t.submitted_at = e.closed_at, t.note
         FROM transactions AS t JOIN trueup.events AS e ON e.transaction = t.hash ORDER BY e.id",
    )
    .fetch_all(deployment.pool())
    .await
    .expect("the rows");
    let expected: Vec<_> =
        hashes[1..].iter().map(|hash| (hash.clone(), "success".to_owned(), true, format!("found by {}", &hash[..4]))).collect();
    assert_eq!(rows, expected);
    let again = deployment.run(Mode::Repair).await;
    assert_eq!((again.found(), again.document.total("in_sync")), (Vec::new(), 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_inserted_where_one_hash_may_have_two_rows() {
    let (deployment, hashes) = repaid("[repair]\nmissed_event = \"insert\"\n").await;
    deployment.sql("ALTER TABLE transactions DROP CONSTRAINT transactions_hash_key").await;
    let finished = deployment.run(Mode::Repair).await;
    assert_eq!(finished.found(), missed(&hashes[1..]));
    let withheld: Vec<_> = finished.drifts.iter().filter_map(|drift| drift.withheld.as_deref()).collect();
    assert_eq!(withheld, ["incomplete_insert", "incomplete_insert"]);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM transactions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_transaction_that_the_endpoint_no_longer_shows_is_reported_and_never_inserted() {
    let (deployment, hashes) = repaid("[repair]\nmissed_event = \"insert\"\n").await;
    deployment.devnet.faults().update(|faults| {
        faults.hidden.insert(hashes[2].clone());
    });
    let finished = deployment.run(Mode::Repair).await;
    assert_eq!(finished.found(), missed(&hashes[1..]));
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM transactions").await, 2, "the one that it shows");
    let withheld: Vec<_> = finished.drifts.iter().filter_map(|drift| drift.withheld.as_deref()).collect();
    assert_eq!(withheld, ["needs_person"]);
}
