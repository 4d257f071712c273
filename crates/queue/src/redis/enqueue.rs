//! Adding jobs, as chunks.

use std::collections::BTreeMap;

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, AssertSqlSafe, PgConnection, Row};

use crate::Result;
use crate::enqueue::{Destination, Enqueued, bind, count, wake};
use crate::job::NewJob;
use crate::settings::millis;

/// How many jobs one chunk holds at most: one call of Redis pushes a chunk, and must not keep others waiting.
pub(super) const JOBS_PER_CHUNK: i64 = 4_096;

/// What `source` (key, payload, ord) has and the group lacks, in chunks. The binds, by name: group, task, kind, priority,
/// trace, after (milliseconds).
macro_rules! insert_chunks {
    () => {
        "known AS (
             SELECT unnest(keys) AS key FROM trueup.chunks WHERE group_id = ${group} AND task = ${task} AND kind = ${kind}
         ), fresh AS (
             SELECT DISTINCT ON (key) key, payload, ord FROM source
             WHERE key IS NOT NULL AND NOT EXISTS (SELECT FROM known WHERE known.key = source.key)
             ORDER BY key, ord
         ), numbered AS MATERIALIZED (
             SELECT nextval(pg_get_serial_sequence('trueup.jobs', 'id')) AS id, key, payload, part
             FROM (SELECT key, payload, (row_number() OVER (ORDER BY ord, key) - 1) / {per_chunk} AS part
                   FROM fresh ORDER BY ord, key) AS ordered
         ), inserted AS (
             INSERT INTO trueup.chunks (group_id, task, kind, priority, trace, run_at, ids, keys, payloads, first_id, last_id)
             SELECT ${group}, ${task}, ${kind}, ${priority}, ${trace}, now() + ${after} * interval '1 millisecond',
                    array_agg(id ORDER BY id), array_agg(key ORDER BY id),
                    CASE WHEN count(payload) > 0 THEN array_agg(payload ORDER BY id) END, min(id), max(id)
             FROM numbered GROUP BY part ORDER BY part
             RETURNING cardinality(ids) AS jobs
         )"
    };
}

/// See [`crate::enqueue`].
pub(crate) async fn enqueue(conn: &mut PgConnection, jobs: &[NewJob]) -> Result<u64> {
    let mut alike: BTreeMap<_, Vec<&NewJob>> = BTreeMap::new();
    for job in jobs {
        alike.entry((job.group, &job.task, &job.kind, job.priority, &job.trace, job.after)).or_default().push(job);
    }
    let statement = format!(
        concat!(
            "WITH source(key, payload, ord) AS (
                 SELECT * FROM unnest($1::text[], $2::jsonb[]) WITH ORDINALITY
             ), ",
            insert_chunks!(),
            " SELECT coalesce(sum(jobs), 0)::bigint FROM inserted"
        ),
        group = 3,
        task = "4::text",
        kind = "5::text",
        priority = "6::smallint",
        trace = "7::text",
        after = "8::bigint",
        per_chunk = JOBS_PER_CHUNK,
    );
    let mut inserted = 0;
    for ((group, task, kind, priority, trace, after), jobs) in alike {
        lock(conn, group.0, task, kind).await?;
        // Nothing but numbers of binds went into the text.
        let added: i64 = sqlx::query_scalar(AssertSqlSafe(statement.as_str()))
            .bind(jobs.iter().map(|job| job.key.as_str()).collect::<Vec<_>>())
            .bind(jobs.iter().map(|job| job.payload.clone()).collect::<Vec<_>>())
            .bind(group)
            .bind(task)
            .bind(kind)
            .bind(priority)
            .bind(trace)
            .bind(millis(after))
            .persistent(false)
            .fetch_one(&mut *conn)
            .await?;
        inserted += count(added);
    }
    if inserted > 0 {
        wake(conn).await?;
    }
    Ok(inserted)
}

/// See [`crate::enqueue_from`].
pub(crate) async fn enqueue_from(conn: &mut PgConnection, into: &Destination, select: &str, mut binds: PgArguments) -> Result<Enqueued> {
    lock(conn, into.group.0, &into.task, &into.kind).await?;
    let first = binds.len() + 1;
    let [group, task, kind, priority, trace, after] = [0, 1, 2, 3, 4, 5].map(|offset| first + offset);
    bind(&mut binds, into.group)?;
    bind(&mut binds, into.task.as_str())?;
    bind(&mut binds, into.kind.as_str())?;
    bind(&mut binds, into.priority)?;
    bind(&mut binds, into.trace.as_deref())?;
    bind(&mut binds, 0_i64)?;
    let statement = format!(
        concat!(
            "WITH given(key, ord) AS MATERIALIZED (\n{select}\n), source AS (SELECT key, NULL::jsonb AS payload, ord FROM given), ",
            insert_chunks!(),
            " SELECT (SELECT count(*) FROM given) AS seen,
                     (SELECT coalesce(sum(jobs), 0)::bigint FROM inserted) AS inserted,
                     (SELECT key FROM given ORDER BY ord DESC NULLS LAST LIMIT 1) AS last_key"
        ),
        select = select,
        group = group,
        task = format_args!("{task}::text"),
        kind = format_args!("{kind}::text"),
        priority = format_args!("{priority}::smallint"),
        trace = format_args!("{trace}::text"),
        after = after,
        per_chunk = JOBS_PER_CHUNK,
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

/// Keys are unique by what the group's chunks already hold, so nobody else may add to them meanwhile. Held until the
/// transaction ends.
async fn lock(conn: &mut PgConnection, group: i64, task: &str, kind: &str) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
        .bind(format!("trueup {group} {task} {kind}"))
        .execute(conn)
        .await?;
    Ok(())
}
