use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgConnection};

/// One acceptance of a contract's code.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct AcceptedContract {
    /// The contract (`C…`).
    pub contract: String,
    /// What is accepted: a Wasm hash in hex, or `stellar_asset`.
    pub executable: String,
    /// What was before.
    pub previous: Option<String>,
    /// When, by the database's clock.
    pub accepted_at: DateTime<Utc>,
    /// Who; `first sight` for what was there when the contract was first read.
    pub actor: String,
    /// Why, if someone said.
    pub reason: Option<String>,
}

/// What is accepted now, by contract; contracts that were never seen are left out.
///
/// # Errors
/// What Postgres said.
pub async fn accepted(conn: &mut PgConnection, contracts: &BTreeSet<&str>) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT DISTINCT ON (contract) contract, executable FROM trueup.contracts WHERE contract = ANY($1) ORDER BY contract, id DESC",
    )
    .bind(contracts.iter().copied().collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().collect())
}

/// What is accepted now of every contract, in their order, after one, at most `limit`.
///
/// # Errors
/// What Postgres said.
pub async fn latest(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<AcceptedContract>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT ON (contract) contract, executable, previous, accepted_at, actor, reason
         FROM trueup.contracts WHERE contract > $1 ORDER BY contract, id DESC LIMIT $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}

/// Every acceptance of one contract, newest first, at most `limit`.
///
/// # Errors
/// What Postgres said.
pub async fn history(conn: &mut PgConnection, contract: &str, limit: i64) -> Result<Vec<AcceptedContract>, sqlx::Error> {
    sqlx::query_as(
        "SELECT contract, executable, previous, accepted_at, actor, reason
         FROM trueup.contracts WHERE contract = $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(contract)
    .bind(limit)
    .fetch_all(conn)
    .await
}
