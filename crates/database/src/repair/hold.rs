use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use crate::DatabaseError;
use crate::report::{MATCHES, RepairFilter};

/// Releases what a revert holds, so that the next sweep may repair it again. `repair` is the revert, or the repair
/// that it undid. Returns the columns that were released; none if nothing is held.
///
/// # Errors
/// What Postgres said.
pub async fn release(conn: &mut PgConnection, repair: i64) -> Result<Vec<String>, DatabaseError> {
    let columns = sqlx::query_scalar(
        "DELETE FROM trueup.holds
         WHERE repair = $1 OR repair = (SELECT id FROM trueup.repairs WHERE reverts = $1)
         RETURNING column_name",
    )
    .bind(repair)
    .fetch_all(conn)
    .await?;
    Ok(columns)
}

/// A column that sweeps may repair again.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Released {
    /// The kind.
    pub kind: String,
    /// The row.
    pub identity: String,
    /// The column.
    #[sqlx(rename = "column_name")]
    pub column: String,
}

/// Releases what is held because repairs that a filter takes were reverted.
///
/// # Errors
/// What Postgres said.
pub async fn release_matching(conn: &mut PgConnection, filter: &RepairFilter) -> Result<Vec<Released>, DatabaseError> {
    let released = sqlx::query_as(AssertSqlSafe(format!(
        "DELETE FROM trueup.holds AS h USING trueup.repairs AS u, trueup.repairs AS r
         WHERE u.id = h.repair AND r.id = u.reverts AND {MATCHES}
         RETURNING h.kind, h.identity, h.column_name"
    )))
    .bind(filter.run)
    .bind(&filter.kind)
    .bind(&filter.identity)
    .bind(filter.id)
    .bind(&filter.class)
    .bind(filter.since)
    .bind(filter.until)
    .fetch_all(conn)
    .await?;
    Ok(released)
}
