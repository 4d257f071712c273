//! Putting jobs in.

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, AssertSqlSafe, PgConnection, Row};

use crate::Result;
use crate::enqueue::{Destination, Enqueued, bind, count, wake};
use crate::job::NewJob;
use crate::settings::millis;

/// See [`crate::enqueue`].
pub(crate) async fn enqueue(conn: &mut PgConnection, jobs: &[NewJob]) -> Result<u64> {
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

/// See [`crate::enqueue_from`].
pub(crate) async fn enqueue_from(conn: &mut PgConnection, into: &Destination, select: &str, mut binds: PgArguments) -> Result<Enqueued> {
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
