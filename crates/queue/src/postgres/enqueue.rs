//! Putting jobs in.

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, AssertSqlSafe, PgConnection, Row};

use crate::job::{GroupId, NewJob};
use crate::settings::millis;
use crate::{CHANNEL, Result};

/// Enqueues these jobs in one statement. A job whose (group, task, kind, key) the queue already has is left out, in
/// whatever state the one it has is, so that enqueueing twice is harmless. Workers are woken when the caller's
/// transaction commits.
///
/// Returns how many were new.
///
/// # Errors
/// What Postgres said.
pub async fn enqueue(conn: &mut PgConnection, jobs: &[NewJob]) -> Result<u64> {
    if jobs.is_empty() {
        return Ok(0);
    }
    let inserted = sqlx::query(
        "INSERT INTO trueup.jobs (group_id, task, kind, key, payload, priority, run_at, trace)
         SELECT group_id, task, kind, key, payload, priority, now() + after * interval '1 millisecond', trace
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::smallint[],
                     $7::bigint[], $8::text[])
              AS job(group_id, task, kind, key, payload, priority, after, trace)
         ON CONFLICT (group_id, task, kind, key) DO NOTHING",
    )
    .bind(jobs.iter().map(|job| job.group).collect::<Vec<_>>())
    .bind(column(jobs, |job| job.task.as_str()))
    .bind(column(jobs, |job| job.kind.as_str()))
    .bind(column(jobs, |job| job.key.as_str()))
    .bind(column(jobs, |job| job.payload.clone()))
    .bind(column(jobs, |job| job.priority))
    .bind(column(jobs, |job| millis(job.after)))
    .bind(column(jobs, |job| job.trace.as_deref()))
    .execute(&mut *conn)
    .await?
    .rows_affected();
    if inserted > 0 {
        wake(conn).await?;
    }
    Ok(inserted)
}

fn column<'a, T>(jobs: &'a [NewJob], value: impl FnMut(&'a NewJob) -> T) -> Vec<T> {
    jobs.iter().map(value).collect()
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
pub async fn enqueue_from(conn: &mut PgConnection, into: &Destination, select: &str, mut binds: PgArguments) -> Result<Enqueued> {
    let first = binds.len() + 1;
    let [group, task, kind, priority, trace] = [0, 1, 2, 3, 4].map(|offset| first + offset);
    bind(&mut binds, into.group)?;
    bind(&mut binds, into.task.as_str())?;
    bind(&mut binds, into.kind.as_str())?;
    bind(&mut binds, into.priority)?;
    bind(&mut binds, into.trace.as_deref())?;

    // The line breaks keep a `--` comment at the end of the select from swallowing what follows it.
    let statement = format!(
        "WITH source(key, ord) AS MATERIALIZED (\n{select}\n), inserted AS (
             INSERT INTO trueup.jobs (group_id, task, kind, key, priority, trace)
             SELECT ${group}, ${task}, ${kind}, key, ${priority}, ${trace} FROM source WHERE key IS NOT NULL
             ORDER BY ord
             ON CONFLICT (group_id, task, kind, key) DO NOTHING
             RETURNING 1
         )
         SELECT (SELECT count(*) FROM source) AS seen,
                (SELECT count(*) FROM inserted) AS inserted,
                (SELECT key FROM source ORDER BY ord DESC NULLS LAST LIMIT 1) AS last_key"
    );
    // `select` is made by the caller from identifiers that it has quoted; values travel in `binds`.
    let row = sqlx::query_with(AssertSqlSafe(statement), binds).fetch_one(&mut *conn).await?;
    let enqueued =
        Enqueued { seen: count(row.try_get("seen")?), inserted: count(row.try_get("inserted")?), last_key: row.try_get("last_key")? };
    if enqueued.inserted > 0 {
        wake(conn).await?;
    }
    Ok(enqueued)
}

fn bind<'q, T>(binds: &mut PgArguments, value: T) -> Result<()>
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
    sqlx::query("SELECT pg_notify($1, '')").bind(CHANNEL).execute(conn).await?;
    Ok(())
}
