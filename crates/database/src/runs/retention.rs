use sqlx::PgConnection;
use trueup_judge::RunId;

/// Takes a finished run whose job rows are older than `days` days and still there, the oldest of those that nobody else
/// is at and that are not among `others`: to be purged in the transaction of `conn`, which locks it. Not one of touches,
/// which go as a whole.
///
/// # Errors
/// What Postgres said.
pub async fn take_purgeable(conn: &mut PgConnection, days: i32, others: &[RunId]) -> Result<Option<RunId>, sqlx::Error> {
    let id: Option<i64> = sqlx::query_scalar(
        "SELECT id FROM trueup.runs
         WHERE phase = 'done' AND NOT touches AND NOT purged AND finished_at < now() - make_interval(days => $1) AND id <> ALL ($2)
         ORDER BY finished_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
    )
    .bind(days)
    .bind(others.iter().map(|run| run.0).collect::<Vec<_>>())
    .fetch_optional(conn)
    .await?;
    Ok(id.map(RunId))
}

/// Notes that the job rows of a run are gone.
///
/// # Errors
/// What Postgres said.
pub async fn purged(conn: &mut PgConnection, run: RunId) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE trueup.runs SET purged = true WHERE id = $1").bind(run.0).execute(conn).await?;
    Ok(())
}
