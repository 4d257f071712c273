//! What waits becomes a run, in one transaction.

use sqlx::PgConnection;
use trueup_judge::{EntityKind, RunId};

use super::NamedBy;

/// Only one toucher collects at a time: this is its lock.
const LOCK: &str = "trueup touches";

/// A touch that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub id: i64,
    /// The kind of its entity.
    pub kind: EntityKind,
    /// What `entity` is.
    pub named_by: NamedBy,
    /// A row's identity, or a chain key.
    pub entity: String,
    /// If the table has no row for it, how many seconds a row is still given to appear; 0 or less: it is missing.
    pub row_due_in_secs: i64,
}

/// Which job of a run looks at a touched entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The touch.
    pub touch: i64,
    /// The job's task.
    pub task: String,
    /// The job's key.
    pub job_key: String,
}

/// Whether a touch of one of these kinds is due.
///
/// # Errors
/// What Postgres said.
pub async fn is_any_due(conn: &mut PgConnection, kinds: &[EntityKind]) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM trueup.touches WHERE run IS NULL AND due_at <= now() AND kind = ANY ($1))")
        .bind(kinds.iter().map(|kind| kind.0.as_str()).collect::<Vec<_>>())
        .fetch_one(conn)
        .await
}

/// How many runs of touches have not ended.
///
/// # Errors
/// What Postgres said.
pub async fn open_runs(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM trueup.runs WHERE touches AND state = 'running'").fetch_one(conn).await
}

/// Takes the right to collect until the transaction ends; false if another toucher has it.
///
/// # Errors
/// What Postgres said.
pub async fn begin_claim(conn: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))").bind(LOCK).fetch_one(conn).await
}

/// Locks due touches of these kinds until the transaction ends, oldest first. One that an application's transaction has
/// touched and not committed is left out: what it asks to be looked at is not there to be seen yet.
///
/// # Errors
/// What Postgres said.
pub async fn claim(conn: &mut PgConnection, kinds: &[EntityKind], limit: i64) -> Result<Vec<Waiting>, sqlx::Error> {
    let rows: Vec<(i64, String, String, String, i64)> = sqlx::query_as(
        "SELECT id, kind, named_by, entity, ceil(extract(epoch FROM touched_at + row_within - now()))::bigint FROM trueup.touches
         WHERE run IS NULL AND due_at <= now() AND kind = ANY ($1) ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(kinds.iter().map(|kind| kind.0.as_str()).collect::<Vec<_>>())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, named_by, entity, row_due_in_secs)| Waiting {
            id,
            kind: EntityKind(kind),
            named_by: NamedBy::from_name(&named_by),
            entity,
            row_due_in_secs,
        })
        .collect())
}

/// Gives claimed touches to a run.
///
/// # Errors
/// What Postgres said.
pub async fn assign(conn: &mut PgConnection, run: RunId, assigned: &[Assigned]) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE trueup.touches AS t SET run = $1, task = it.task, job_key = it.job_key
         FROM unnest($2::bigint[], $3::text[], $4::text[]) AS it (id, task, job_key) WHERE t.id = it.id",
    )
    .bind(run.0)
    .bind(assigned.iter().map(|it| it.touch).collect::<Vec<_>>())
    .bind(assigned.iter().map(|it| it.task.as_str()).collect::<Vec<_>>())
    .bind(assigned.iter().map(|it| it.job_key.as_str()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Lets claimed touches wait for as long as their rows are given to appear.
///
/// # Errors
/// What Postgres said.
pub async fn defer(conn: &mut PgConnection, touches: &[i64]) -> Result<(), sqlx::Error> {
    if touches.is_empty() {
        return Ok(());
    }
    sqlx::query("UPDATE trueup.touches SET due_at = touched_at + row_within WHERE id = ANY ($1)").bind(touches).execute(conn).await?;
    Ok(())
}
