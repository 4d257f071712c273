use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use crate::DatabaseError;
use crate::read::IS_NEWEST;
use crate::report::{MATCHES, RepairFilter};

/// Releases what a revert holds, or what is left alone because it was altered, so that the next sweep may repair it
/// again. `repair` is the revert, the repair that it undid, or the altered repair. Returns the columns that were
/// released; none if there is nothing to release.
///
/// # Errors
/// What Postgres said.
pub async fn release(conn: &mut PgConnection, repair: i64) -> Result<Vec<String>, DatabaseError> {
    let columns = sqlx::query_scalar(AssertSqlSafe(format!(
        "WITH held AS (
           DELETE FROM trueup.holds WHERE repair = $1 OR repair = (SELECT id FROM trueup.repairs WHERE reverts = $1)
           RETURNING column_name
         ), altered AS (
           DELETE FROM trueup.altered AS a WHERE a.repair = $1 AND {IS_NEWEST} RETURNING a.repair
         )
         SELECT column_name FROM held
         UNION SELECT jsonb_object_keys(r.intended) FROM altered AS a JOIN trueup.repairs AS r ON r.id = a.repair
         ORDER BY 1"
    )))
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

/// Releases what is held because repairs that a filter takes were reverted, and what is left alone because they were
/// altered.
///
/// # Errors
/// What Postgres said.
pub async fn release_matching(conn: &mut PgConnection, filter: &RepairFilter) -> Result<Vec<Released>, DatabaseError> {
    let released = sqlx::query_as(AssertSqlSafe(format!(
        "WITH held AS (
           DELETE FROM trueup.holds AS h USING trueup.repairs AS u, trueup.repairs AS r
           WHERE u.id = h.repair AND r.id = u.reverts AND {MATCHES}
           RETURNING h.kind, h.identity, h.column_name
         ), altered AS (
           DELETE FROM trueup.altered AS a USING trueup.repairs AS r
           WHERE r.id = a.repair AND {IS_NEWEST} AND {MATCHES}
           RETURNING a.kind, a.identity, r.intended
         )
         SELECT kind, identity, column_name FROM held
         UNION SELECT kind, identity, jsonb_object_keys(intended) FROM altered
         ORDER BY 1, 2, 3"
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
