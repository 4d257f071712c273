//! A reconciler as teams write it: one entity after the other, five at a time, each with a row query, an RPC call and
//! an update.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use stellar_xdr::ScVal;
use tokio::task::JoinSet;
use trueup_devnet::scval;

use super::ledger_calls::Ledger;
use super::stage::{self, Stage};
use crate::loans::{self, UNIT};

/// How many entities are worked on at once.
const CONCURRENT: u32 = 5;

pub(super) async fn play(database: &str, rpc: &str, contract: &str, entities: u64) -> anyhow::Result<()> {
    let pool = PgPoolOptions::new().min_connections(CONCURRENT).max_connections(CONCURRENT).connect(database).await;
    let pool = pool.context("the database of this run")?;
    let ledger = Ledger::new(rpc, contract);
    let next = Arc::new(AtomicU64::new(1));
    let mut stage = Stage::new();
    stage.ready("").await?;
    let mut working = JoinSet::new();
    for _ in 0..CONCURRENT {
        working.spawn(work(pool.clone(), ledger.clone(), Arc::clone(&next), entities));
    }
    while let Some(ended) = working.join_next().await {
        stage::ended(ended??)?;
    }
    stage.until_closed().await
}

async fn work(pool: PgPool, ledger: Ledger, next: Arc<AtomicU64>, entities: u64) -> anyhow::Result<u64> {
    let mut done = 0;
    loop {
        let id = next.fetch_add(1, Ordering::Relaxed);
        if id > entities {
            return Ok(done);
        }
        reconcile(&pool, &ledger, id).await?;
        done += 1;
    }
}

async fn reconcile(pool: &PgPool, ledger: &Ledger, id: u64) -> anyhow::Result<()> {
    let query = "SELECT status::text, remaining_balance::text FROM loans WHERE loan_id = $1";
    let _row: (String, Option<String>) = sqlx::query_as(query).bind(id.to_string()).fetch_one(pool).await?;
    let loan = ledger.value(ledger.loan_key(id)?).await?;
    let balance = loans::field(&loan, "remaining_balance").and_then(scval::as_i128).context("the loan's balance")?;
    let status = match loans::field(&loan, "status") {
        Some(ScVal::Vec(Some(parts))) if parts.first() == Some(&scval::symbol("Paid")?) => "completed",
        _ => "active",
    };
    sqlx::query("UPDATE loans SET status = $2::loan_status, remaining_balance = $3::numeric / $4, updated_at = now() WHERE loan_id = $1")
        .bind(id.to_string())
        .bind(status)
        .bind(balance.to_string())
        .bind(i64::try_from(UNIT)?)
        .execute(pool)
        .await?;
    Ok(())
}
