//! Transactions that the application believes to be pending, and what the chain says of them.

mod archive;
mod undecided;

use crate::support::Deployment;
use stellar_xdr::ScVal;
use trueup::Mode;
use trueup_devnet::{BuildOptions, Call, scval};

const SPEC: &str = r#"
kind  = "transaction"
table = "transactions"
key   = "hash"

[chain]
source    = "transaction"
hash      = "hash"
state     = "status"
submitted = "submitted_at"
states    = { pending = "pending", succeeded = "success", failed = "failed" }

[repair]
orphaned_pending_transaction = "update"
"#;

/// A deployment whose spec is of its transactions, with one of each sort.
async fn deployment() -> Deployment {
    let deployment = Deployment::with_spec(1, SPEC).await;
    deployment.sql("CREATE TABLE transactions (name text PRIMARY KEY, hash text, status text NOT NULL, submitted_at timestamptz)").await;
    let chain = &deployment.devnet;
    let source = chain.account(0).expect("funded");
    let pay = |amount: i128| vec![ScVal::U64(1), scval::i128(amount)];
    let succeeded = chain.invoke(&chain.account(1).expect("funded"), &deployment.contracts.lending, "release", pay(1)).expect("included");
    let failed = chain
        .invoke(&chain.account(1).expect("funded"), &deployment.contracts.lending, "repay", pay(i128::from(u64::MAX)))
        .expect("included");
    let call = Call { source, contract: deployment.contracts.lending.clone(), function: "default".into(), args: vec![ScVal::U64(1)] };
    let never = chain.build(&call, BuildOptions::default()).expect("built");
    let now = i64::try_from(chain.latest().close_time).expect("a time");
    let rows = [
        ("orphaned success", Some(succeeded.hash.clone()), "pending", Some(now)),
        ("orphaned failure", Some(format!("0x{}", failed.hash.to_uppercase())), "pending", Some(now)),
        ("known success", Some(succeeded.hash.clone()), "success", Some(now)),
        ("wrongly failed", Some(succeeded.hash), "failed", Some(now)),
        ("in flight", Some(never.hash.clone()), "pending", Some(now)),
        ("pruned", Some(never.hash.clone()), "pending", Some(0)),
        ("of nobody knows when", Some(never.hash), "pending", None),
        ("without a hash", None, "pending", Some(now)),
        ("with no hash", Some("abc".to_owned()), "pending", Some(now)),
    ];
    for (name, hash, status, submitted) in rows {
        sqlx::query("INSERT INTO transactions VALUES ($1, $2, $3, to_timestamp($4))")
            .bind(name)
            .bind(hash)
            .bind(status)
            .bind(submitted)
            .execute(deployment.pool())
            .await
            .expect("a row");
    }
    deployment
}

#[tokio::test]
async fn only_what_the_chain_has_decided_is_drift_and_only_that_is_repaired() {
    let deployment = deployment().await;
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(
        repaired.found(),
        [
            "orphaned_pending_transaction status orphaned failure",
            "orphaned_pending_transaction status orphaned success",
            "stale_status status wrongly failed"
        ]
    );
    let verdicts = &repaired.document.kinds["transaction"];
    assert_eq!((verdicts.not_judged["unknown:pruned"], verdicts.not_judged["skipped:no_key"], verdicts.verdicts["failed"]), (2, 1, 1));
    assert_eq!(verdicts.verdicts["in_sync"], 2, "the known success, and the one in flight");
    let states: String = deployment.value("SELECT string_agg(name || '=' || status, ', ' ORDER BY name) FROM transactions").await;
    assert_eq!(
        states,
        "in flight=pending, known success=success, of nobody knows when=pending, orphaned failure=failed, orphaned success=success, \
         pruned=pending, with no hash=pending, without a hash=pending, wrongly failed=failed"
    );
}

#[tokio::test]
async fn an_error_of_the_rpc_is_no_answer_however_often_it_comes() {
    let deployment = deployment().await;
    deployment.devnet.faults().update(|faults| faults.hide_transactions = true);
    let hidden = deployment.run(Mode::Repair).await;
    assert_eq!(hidden.found(), Vec::<String>::new(), "NOT_FOUND is not FAILED");
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM transactions WHERE status = 'pending'").await, 7);
}
