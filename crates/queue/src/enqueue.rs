//! Putting jobs in.

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, PgConnection};

use crate::engine::{EngineName, in_force};
use crate::job::{GroupId, NewJob};
use crate::{CHANNEL, Result, postgres, redis};

/// Enqueues these jobs, where the engine in force has them. A job whose (group, task, kind, key) the queue already has is
/// left out, in whatever state the one it has is, so that enqueueing twice is harmless. Workers are woken when the
/// caller's transaction commits.
///
/// Returns how many were new.
///
/// # Errors
/// What Postgres said.
pub async fn enqueue(conn: &mut PgConnection, jobs: &[NewJob]) -> Result<u64> {
    if jobs.is_empty() {
        return Ok(0);
    }
    match in_force(conn).await? {
        EngineName::Postgres => postgres::enqueue::enqueue(conn, jobs).await,
        EngineName::Redis => redis::enqueue::enqueue(conn, jobs).await,
    }
}

/// What the jobs of one [`enqueue_from`] have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The group they belong to.
    pub group: GroupId,
    /// Which handler they are for.
    pub task: String,
    /// The kind of entity they are about.
    pub kind: String,
    /// Lower goes first.
    pub priority: i16,
    /// A W3C `traceparent`.
    pub trace: Option<String>,
}

/// What one [`enqueue_from`] did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enqueued {
    /// How many rows the select gave.
    pub seen: u64,
    /// How many of them were new to the queue.
    pub inserted: u64,
    /// The key in the row with the highest `ord`: where the next chunk goes on. `None` when nothing was seen.
    pub last_key: Option<String>,
}

/// Enqueues one job for each row of `select`, in one statement and in constant memory.
///
/// `select` is one SELECT without a trailing semicolon. It gives two columns by position, a key (text) and an ord
/// (bigint), and refers to `binds` as `$1` and on. Rows whose key is null are seen and not enqueued; keys that the
/// queue already has under this group, task and kind are seen and not enqueued either. Workers are woken when the
/// caller's transaction commits.
///
/// # Errors
/// What Postgres said, also about `select`.
pub async fn enqueue_from(conn: &mut PgConnection, into: &Destination, select: &str, binds: PgArguments) -> Result<Enqueued> {
    match in_force(conn).await? {
        EngineName::Postgres => postgres::enqueue::enqueue_from(conn, into, select, binds).await,
        EngineName::Redis => redis::enqueue::enqueue_from(conn, into, select, binds).await,
    }
}

pub(crate) fn bind<'q, T>(binds: &mut PgArguments, value: T) -> Result<()>
where
    T: sqlx::Encode<'q, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + 'q,
{
    binds.add(value).map_err(|error| sqlx::Error::Encode(error).into())
}

pub(crate) fn count(rows: i64) -> u64 {
    u64::try_from(rows).unwrap_or_default()
}

/// Wakes idle workers once the transaction commits. Postgres folds repeated notifications of one transaction.
pub(crate) async fn wake(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    notify(conn, "").await
}

pub(crate) async fn notify(conn: &mut PgConnection, what: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(what).execute(conn).await?;
    Ok(())
}
