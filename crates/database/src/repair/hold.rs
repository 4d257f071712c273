use sqlx::PgConnection;

use crate::DatabaseError;

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
