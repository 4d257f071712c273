//! Ending a group's jobs before they were tried.

use sqlx::PgConnection;

use crate::Result;
use crate::ending::Ended;
use crate::job::{GroupId, State};
use crate::queue::Queue;
use crate::redis::ack::forget_attempts;

/// See [`Queue::cancel_group`]. Chunk by chunk, which bounds the memory that the endings take. Redis is not told: what it
/// hands out is looked up among the ends before it is worked on.
pub(crate) async fn cancel_group(queue: &Queue, conn: &mut PgConnection, group: GroupId) -> Result<u64> {
    let chunks: Vec<i64> = sqlx::query_scalar("SELECT id FROM trueup.chunks WHERE group_id = $1 AND open ORDER BY id")
        .bind(group)
        .fetch_all(&mut *conn)
        .await?;
    let mut cancelled = 0;
    for chunk in chunks {
        let rows: Vec<(crate::JobId, String, String, String, Option<String>)> = sqlx::query_as(
            "WITH held AS MATERIALIZED (
                 SELECT job.id FROM trueup.leases CROSS JOIN LATERAL unnest(jobs) AS job(id)
                 WHERE NOT EXISTS (SELECT FROM trueup.attempts WHERE attempts.job = job.id AND attempts.lease = number)
             )
             INSERT INTO trueup.outcomes (job, lease, group_id, chunk, task, kind, key, state, error, failures, looks, crashes)
             SELECT job.id, 0, group_id, chunks.id, task, kind, job.key, 'cancelled', error,
                    coalesce(failures, 0), coalesce(looks, 0), coalesce(crashes, 0)
             FROM trueup.chunks CROSS JOIN LATERAL unnest(ids, keys) AS job(id, key)
             LEFT JOIN trueup.attempts ON attempts.job = job.id
             WHERE chunks.id = $1 AND NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = job.id)
               AND NOT EXISTS (SELECT FROM held WHERE held.id = job.id)
             ORDER BY job.id
             ON CONFLICT (job) DO NOTHING
             RETURNING job, task, kind, key, error",
        )
        .bind(chunk)
        .persistent(false)
        .fetch_all(&mut *conn)
        .await?;
        let ended: Vec<Ended> = rows
            .into_iter()
            .map(|(job, task, kind, key, error)| Ended { job, group, task, kind, key, state: State::Cancelled, outcome: None, error })
            .collect();
        forget_attempts(conn, &ended.iter().map(|ended| ended.job).collect::<Vec<_>>()).await?;
        queue.tell(conn, &ended).await?;
        cancelled += ended.len() as u64;
    }
    Ok(cancelled)
}
