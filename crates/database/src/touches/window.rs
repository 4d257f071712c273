//! What the guard of touches counts: plans of all runs of touches, over a window that moves with the clock.

use sqlx::PgConnection;
use trueup_judge::{EntityKind, RunId};

/// Lets one run at a time be counted, until the caller's transaction ends: of two that are just within the limit
/// together only one may be so alone.
///
/// # Errors
/// What Postgres said.
pub async fn lock_window(conn: &mut PgConnection, kind: &EntityKind) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('trueup guard of touches ' || $1, 0))").bind(&kind.0).execute(conn).await?;
    Ok(())
}

/// Counts the run's plans of a kind that would write from now on. Doing it twice changes nothing.
///
/// # Errors
/// What Postgres said.
pub async fn mark_in_window(conn: &mut PgConnection, run: RunId, kind: &EntityKind) -> Result<u64, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE trueup.plans SET guarded_at = now()
         WHERE run = $1 AND kind = $2 AND guarded_at IS NULL AND verdict IS NULL AND plan -> 'action' ->> 'do' <> 'report'",
    )
    .bind(run.0)
    .bind(&kind.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// How many of a kind's counted plans of the last so many seconds wrote, would have written, or still may. One whose
/// second look found nothing counts no more.
///
/// # Errors
/// What Postgres said.
pub async fn count_in_window(conn: &mut PgConnection, kind: &EntityKind, window_secs: i64) -> Result<u64, sqlx::Error> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM trueup.plans
         WHERE kind = $1 AND guarded_at > now() - make_interval(secs => $2) AND (verdict IS NULL OR verdict = 'drifted')",
    )
    .bind(&kind.0)
    .bind(window_secs)
    .fetch_one(conn)
    .await?;
    Ok(u64::try_from(count).unwrap_or_default())
}
