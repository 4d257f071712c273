//! From Postgres to Redis: what was added, or must be put there again.

use std::collections::HashMap;

use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

use crate::PUSHED;
use crate::enqueue::notify;
use crate::job::JobId;
use crate::redis::place::Place;
use crate::redis::record::{Header, Record, Tries};
use crate::redis::trouble::Trouble;
use crate::redis::{Conn, restore, script};

/// How many chunks one transaction pushes at most: bounds how long it holds their rows, and the memory.
const CHUNKS_PER_ROUND: i64 = 8;

struct Chunk {
    id: i64,
    priority: i16,
    header: Header,
}

/// Pushes some of the chunks that wait for it, and wakes the workers. Returns how many those were.
///
/// Their rows are locked meanwhile. Who dies between Redis and the commit leaves chunks that are pushed again, which
/// Redis notices by their number.
pub(crate) async fn push(conn: &mut PgConnection, redis: &mut Conn) -> Result<usize, Trouble> {
    let mut transaction = conn.begin().await?;
    // Keeps the epoch as it is until the commit: else a chunk could be marked that went to a Redis which is lost.
    let epoch = restore::epoch_for_share(&mut transaction).await?;
    let rows = sqlx::query(
        "SELECT id, group_id, task, kind, priority, trace FROM trueup.chunks WHERE open AND NOT pushed
         ORDER BY priority, id LIMIT $1 FOR UPDATE SKIP LOCKED",
    )
    .bind(CHUNKS_PER_ROUND)
    .fetch_all(&mut *transaction)
    .await?;
    if rows.is_empty() {
        // Dropped, it would stay open, and keep its lock, until this connection's next use.
        transaction.rollback().await?;
        // That nothing waits says nothing of what was pushed: a Redis that has lost it says so when it is asked.
        redis.run::<(i64, i64, i64)>(&script::PEEK, &epoch, &[]).await?;
        return Ok(0);
    }
    let chunks = rows.iter().map(chunk_of).collect::<Result<Vec<_>, _>>()?;
    let ids: Vec<i64> = chunks.iter().map(|chunk| chunk.id).collect();
    let mut jobs = unended(&mut transaction, &chunks).await?;
    let mut over = Vec::new();
    for chunk in &chunks {
        let Some(jobs) = jobs.remove(&chunk.id) else {
            over.push(chunk.id);
            continue;
        };
        let mut arguments = Vec::with_capacity(2 + 3 * jobs.len());
        arguments.push(chunk.id.to_string());
        arguments.push(serde_json::to_string(&chunk.header)?);
        for (place, record) in &jobs {
            arguments.extend([place.name().to_owned(), place.delay_millis().to_string(), record.to_text()?]);
        }
        redis.run::<i64>(&script::PUSH, &epoch, &arguments).await?;
    }
    sqlx::query("UPDATE trueup.chunks SET pushed = true, open = id <> ALL($2) WHERE id = ANY($1)")
        .bind(&ids)
        .bind(&over)
        .execute(&mut *transaction)
        .await?;
    notify(&mut transaction, PUSHED).await?;
    transaction.commit().await?;
    Ok(ids.len())
}

/// The jobs of these chunks that have not ended, each with where it belongs.
async fn unended(conn: &mut PgConnection, chunks: &[Chunk]) -> Result<HashMap<i64, Vec<(Place, Record)>>, Trouble> {
    let priorities: HashMap<i64, i16> = chunks.iter().map(|chunk| (chunk.id, chunk.priority)).collect();
    let rows = sqlx::query(
        "SELECT chunks.id AS chunk, job.id, job.key, job.payload::text,
                coalesce(suspicion, 0::smallint) AS suspicion, coalesce(crashes, 0) AS crashes,
                coalesce(failures, 0) AS failures, coalesce(looks, 0) AS looks,
                ceil(extract(epoch FROM coalesce(attempts.run_at, chunks.run_at) - now()) * 1000)::bigint AS delay
         FROM trueup.chunks CROSS JOIN LATERAL unnest(ids, keys, payloads) AS job(id, key, payload)
         LEFT JOIN trueup.attempts ON attempts.job = job.id
         WHERE chunks.id = ANY($1) AND NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = job.id)
         ORDER BY job.id",
    )
    .bind(priorities.keys().copied().collect::<Vec<i64>>())
    .persistent(false)
    .fetch_all(conn)
    .await?;
    let mut jobs: HashMap<i64, Vec<(Place, Record)>> = HashMap::new();
    for row in &rows {
        let chunk: i64 = row.try_get("chunk")?;
        let tries = Tries(row.try_get("suspicion")?, row.try_get("crashes")?, row.try_get("failures")?, row.try_get("looks")?);
        let record = Record {
            id: row.try_get::<JobId, _>("id")?,
            chunk,
            priority: priorities.get(&chunk).copied().unwrap_or_default(),
            key: row.try_get("key")?,
            payload: row.try_get("payload")?,
            tries,
        };
        jobs.entry(chunk).or_default().push((Place::of(tries, row.try_get("delay")?), record));
    }
    Ok(jobs)
}

fn chunk_of(row: &PgRow) -> Result<Chunk, sqlx::Error> {
    Ok(Chunk {
        id: row.try_get("id")?,
        priority: row.try_get("priority")?,
        header: Header {
            group: row.try_get("group_id")?,
            task: row.try_get("task")?,
            kind: row.try_get("kind")?,
            trace: row.try_get("trace")?,
        },
    })
}

/// Nothing of these chunks is left to be done.
pub(super) async fn close(conn: &mut PgConnection, chunks: &[i64]) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE trueup.chunks SET open = false WHERE id = ANY($1) AND open").bind(chunks).execute(conn).await.map(drop)
}
