//! The chain as it is at the end, in tables.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};

use crate::kind::{Columns, Kind, ended_columns, instant, transaction_columns};
use crate::world::World;

/// Fills schema `truth`.
pub(super) async fn load(pool: &PgPool, world: &World) -> anyhow::Result<()> {
    let lending = &world.contracts.lending;
    let loans: Vec<String> = (1..=world.loans()).map(|id| id.to_string()).collect();
    let wallets: Vec<String> = world.users.iter().map(trueup_devnet::Keypair::address).collect();
    fill(pool, world, Kind::Loan, loans.iter().map(|id| vec![id.clone()])).await?;
    fill(pool, world, Kind::Mirror, loans.iter().map(|id| vec![lending.clone(), id.clone()])).await?;
    fill(pool, world, Kind::Position, wallets.iter().map(|wallet| vec![wallet.clone()])).await?;
    fill(pool, world, Kind::Score, wallets.iter().map(|wallet| vec![wallet.clone()])).await?;

    let events = serde_json::to_value(world.devnet.emitted())?;
    sqlx::query("INSERT INTO truth.events SELECT * FROM jsonb_populate_recordset(NULL::truth.events, $1)")
        .bind(events)
        .execute(pool)
        .await?;
    let hashes: Vec<String> = sqlx::query_scalar(
        "SELECT hash FROM public.transactions WHERE hash IS NOT NULL
         UNION SELECT e.transaction FROM trueup.events AS e JOIN truth.events AS t USING (id) WHERE e.name = 'LOANREPD'",
    )
    .fetch_all(pool)
    .await?;
    let mut records = Vec::new();
    for hash in hashes {
        if let Some(recorded) = world.devnet.recorded(&hash) {
            let mut columns = transaction_columns(recorded.succeeded, recorded.ledger);
            columns.insert("closed_at", Some(instant(&recorded.closed_at.to_string())?));
            records.push(record(Kind::Transaction, &[hash], columns));
        }
    }
    insert(pool, Kind::Transaction, records).await?;
    load_ended(pool, world).await
}

/// Transactions that never arrived and cannot any more.
async fn load_ended(pool: &PgPool, world: &World) -> anyhow::Result<()> {
    let kept: Vec<(String, String, i64, Option<i64>)> = sqlx::query_as(
        "SELECT e.hash, source, sequence, max_time FROM sim.envelopes AS e WHERE EXISTS (SELECT FROM public.transactions AS t WHERE t.hash = e.hash)",
    )
    .fetch_all(pool)
    .await?;
    let now = i64::try_from(world.devnet.latest().close_time)?;
    let mut records = Vec::new();
    for (hash, source, sequence, max_time) in kept {
        let is_used = world.sequence(&source)?.is_some_and(|last| last >= sequence);
        let status = match max_time {
            Some(max_time) if now > max_time => "expired",
            None if is_used => "superseded",
            _ => continue,
        };
        records.push(record(Kind::Transaction, &[hash], ended_columns(status)));
    }
    insert(pool, Kind::Transaction, records).await
}

async fn fill(pool: &PgPool, world: &World, kind: Kind, keys: impl Iterator<Item = Vec<String>>) -> anyhow::Result<()> {
    let mut records = Vec::new();
    for key in keys {
        let chain_key = if key.len() == 1 { key[0].clone() } else { serde_json::to_string(&key)? };
        if let Some(value) = world.value(kind, &chain_key)? {
            let mut columns = kind.project(&value)?;
            if kind == Kind::Score {
                columns.insert("level", Some(Kind::level(&value)?));
            }
            records.push(record(kind, &key, columns));
        }
    }
    insert(pool, kind, records).await
}

fn record(kind: Kind, key: &[String], columns: Columns) -> Value {
    let keys = kind.key().iter().zip(key).map(|(name, part)| ((*name).to_owned(), json!(part)));
    let columns = columns.into_iter().map(|(name, text)| match (name, text) {
        ("details", Some(text)) => (name.to_owned(), serde_json::from_str(&text).unwrap_or(Value::Null)),
        (name, text) => (name.to_owned(), json!(text)),
    });
    Value::Object(keys.chain(columns).collect())
}

async fn insert(pool: &PgPool, kind: Kind, records: Vec<Value>) -> anyhow::Result<()> {
    let table = kind.table();
    let sql = format!("INSERT INTO truth.{table} SELECT * FROM jsonb_populate_recordset(NULL::truth.{table}, $1)");
    sqlx::query(AssertSqlSafe(sql)).bind(Value::Array(records)).execute(pool).await?;
    Ok(())
}
