//! What no reconciler can do without: every entry from the ledger, in full calls, and every row in one read. No queue,
//! no decoding, no comparing, nothing written down.

use anyhow::{Context as _, ensure};
use futures::{StreamExt, TryStreamExt};
use sqlx::{Connection, PgConnection};

use super::ledger_calls::Ledger;
use super::stage::{self, Stage};
use crate::loans::{CALLS_IN_FLIGHT, LOANS_PER_CALL};

const ROWS: &str =
    "SELECT id, loan_id, user_wallet, amount::text, released::text, remaining_balance::text, status::text, due_at, completed_at FROM loans";

pub(super) async fn play(database: &str, rpc: &str, contract: &str, entities: u64) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect(database).await.context("the database of this run")?;
    let ledger = Ledger::new(rpc, contract);
    let mut stage = Stage::new();
    stage.ready("").await?;
    let rows = async { anyhow::Ok(sqlx::query(ROWS).fetch_all(&mut connection).await?.len() as u64) };
    let (rows, entries) = tokio::try_join!(rows, read(&ledger, entities))?;
    ensure!(rows == entities && entries == entities, "{entities} entities, {rows} rows, {entries} entries");
    stage::ended(entities)?;
    stage.until_closed().await
}

/// Reads all loans, the contract's instance in each call, and returns how many came.
async fn read(ledger: &Ledger, entities: u64) -> anyhow::Result<u64> {
    let calls = (1..=entities).step_by(LOANS_PER_CALL).map(|first| {
        let last = (first + LOANS_PER_CALL as u64 - 1).min(entities);
        async move {
            let mut keys = (first..=last).map(|id| ledger.loan_key(id)).collect::<anyhow::Result<Vec<_>>>()?;
            keys.push(ledger.instance_key()?);
            let entries = ledger.entries(&keys).await?;
            ensure!(entries.len() == keys.len(), "{} keys, {} entries", keys.len(), entries.len());
            Ok(entries.len() as u64 - 1)
        }
    });
    futures::stream::iter(calls).buffer_unordered(CALLS_IN_FLIGHT).try_fold(0, |sum, read| async move { Ok(sum + read) }).await
}
