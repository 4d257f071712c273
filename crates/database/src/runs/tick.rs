//! Ticks of schedules, by the database's clock.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use trueup_judge::RunId;

/// One tick that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// When it was due.
    pub at: DateTime<Utc>,
    /// Its run is still running.
    pub running: bool,
}

/// The database's clock: the only one that replicas share.
///
/// # Errors
/// What Postgres said.
pub async fn now(conn: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar("SELECT now()").fetch_one(conn).await
}

/// Takes a schedule for the rest of the caller's transaction; false if another scheduler is at it. Between looking at
/// the last tick and recording the next nobody may start a run that the look did not see.
///
/// # Errors
/// What Postgres said.
pub async fn take_schedule(conn: &mut PgConnection, schedule: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended('trueup schedule ' || $1, 0))")
        .bind(schedule)
        .fetch_one(conn)
        .await
}

/// The newest tick of a schedule, and whether any of its runs is still running.
///
/// # Errors
/// What Postgres said.
pub async fn last_tick(conn: &mut PgConnection, schedule: &str) -> Result<Option<Tick>, sqlx::Error> {
    let row: Option<(DateTime<Utc>, bool)> = sqlx::query_as(
        "SELECT tick, EXISTS (SELECT FROM trueup.ticks AS t JOIN trueup.runs AS r ON r.id = t.run
                              WHERE t.schedule = $1 AND r.state = 'running')
         FROM trueup.ticks WHERE schedule = $1 ORDER BY tick DESC LIMIT 1",
    )
    .bind(schedule)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(at, running)| Tick { at, running }))
}

/// The newest tick of a schedule whose run looked at everything, to its end or still does.
///
/// # Errors
/// What Postgres said.
pub async fn last_full_tick(conn: &mut PgConnection, schedule: &str) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT max(t.tick) FROM trueup.ticks AS t JOIN trueup.runs AS r ON r.id = t.run
         WHERE t.schedule = $1 AND r.sweep = 'full' AND r.state IN ('running', 'completed')",
    )
    .bind(schedule)
    .fetch_one(conn)
    .await
}

/// Takes a tick. False if another scheduler has taken it.
///
/// # Errors
/// What Postgres said.
pub async fn record_tick(conn: &mut PgConnection, schedule: &str, at: DateTime<Utc>, skipped: bool) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("INSERT INTO trueup.ticks (schedule, tick, skipped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(schedule)
        .bind(at)
        .bind(skipped)
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Says which run a tick started.
///
/// # Errors
/// What Postgres said.
pub async fn attach_run(conn: &mut PgConnection, schedule: &str, at: DateTime<Utc>, run: RunId) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE trueup.ticks SET run = $3 WHERE schedule = $1 AND tick = $2")
        .bind(schedule)
        .bind(at)
        .bind(run.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Forgets ticks of a schedule that are older than `days` days, but for its newest and for `last_full`, the newest whose
/// run looked at everything.
///
/// # Errors
/// What Postgres said.
pub async fn forget_ticks(
    conn: &mut PgConnection,
    schedule: &str,
    days: i32,
    last_full: Option<DateTime<Utc>>,
) -> Result<u64, sqlx::Error> {
    let forgotten = sqlx::query(
        "DELETE FROM trueup.ticks WHERE schedule = $1 AND tick < now() - make_interval(days => $2)
         AND tick < (SELECT max(tick) FROM trueup.ticks WHERE schedule = $1) AND tick IS DISTINCT FROM $3",
    )
    .bind(schedule)
    .bind(days)
    .bind(last_full)
    .execute(conn)
    .await?;
    Ok(forgotten.rows_affected())
}
