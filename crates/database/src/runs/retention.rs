use sqlx::PgConnection;
use trueup_judge::RunId;

/// Finished runs whose job rows are older than `days` days and still there, oldest first, at most `limit`. Not those of
/// touches, which go as a whole.
///
/// # Errors
/// What Postgres said.
pub async fn to_purge(conn: &mut PgConnection, days: i32, limit: i64) -> Result<Vec<RunId>, sqlx::Error> {
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM trueup.runs
         WHERE phase = 'done' AND NOT touches AND NOT purged AND finished_at < now() - make_interval(days => $1) ORDER BY finished_at LIMIT $2",
    )
    .bind(days)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(RunId).collect())
}

/// Notes that the job rows of a run are gone.
///
/// # Errors
/// What Postgres said.
pub async fn purged(conn: &mut PgConnection, run: RunId) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE trueup.runs SET purged = true WHERE id = $1").bind(run.0).execute(conn).await?;
    Ok(())
}
