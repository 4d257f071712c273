//! Runs of touches are many and small: they are forgotten soon, many at a time.

use sqlx::PgConnection;
use trueup_judge::RunId;

/// Finished runs of touches that are older than they are kept: `clean_hours` for one that found nothing, else
/// `hours`. Oldest first, at most `limit`. Those whose job rows alone were forgotten are left out.
///
/// # Errors
/// What Postgres said.
pub async fn to_forget(conn: &mut PgConnection, hours: i32, clean_hours: i32, limit: i64) -> Result<Vec<RunId>, sqlx::Error> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM trueup.runs
         WHERE touches AND phase = 'done' AND NOT purged
           AND finished_at < now() - make_interval(hours => CASE WHEN confirm_total = 0 AND state = 'completed' THEN $2 ELSE $1 END)
         ORDER BY finished_at LIMIT $3",
    )
    .bind(hours)
    .bind(clean_hours)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// Deletes these runs with their touches, plans, drifts and reports. Repairs stay, as all repairs do.
///
/// # Errors
/// What Postgres said.
pub async fn forget(conn: &mut PgConnection, runs: &[RunId]) -> Result<u64, sqlx::Error> {
    let ids: Vec<i64> = runs.iter().map(|run| run.0).collect();
    Ok(sqlx::query("DELETE FROM trueup.runs WHERE id = ANY ($1) AND touches AND phase = 'done'")
        .bind(ids)
        .execute(conn)
        .await?
        .rows_affected())
}

/// Deletes touches that have waited for so many hours: nobody here or elsewhere has a spec for their kind. Gives back
/// how many, at most `limit`.
///
/// # Errors
/// What Postgres said.
pub async fn forget_unwanted(conn: &mut PgConnection, hours: i32, limit: i64) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "DELETE FROM trueup.touches WHERE id = ANY (ARRAY(
             SELECT id FROM trueup.touches WHERE run IS NULL AND due_at < now() - make_interval(hours => $1)
             ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED))",
    )
    .bind(hours)
    .bind(limit)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
