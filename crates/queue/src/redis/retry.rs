//! Giving dead jobs another life.

use sqlx::PgConnection;

use crate::Result;
use crate::enqueue::{count, wake};
use crate::job::{GroupId, JobId};
use crate::redis::enqueue::JOBS_PER_CHUNK;

/// See [`crate::retry`]. The old job keeps its end, so that nothing that Redis may still hold of it runs again; the new
/// one has an id of its own.
pub(crate) async fn retry(conn: &mut PgConnection, ids: &[JobId], into_group: Option<GroupId>) -> Result<u64> {
    let retried: i64 = sqlx::query_scalar(
        "WITH dead AS (
             SELECT job, coalesce($2, group_id) AS into_group, group_id, chunk, task, kind, key, crashes, error
             FROM trueup.outcomes WHERE job = ANY($1) AND state = 'dead' ORDER BY job FOR UPDATE
         ), known AS MATERIALIZED (
             SELECT task, kind, job.key FROM trueup.chunks CROSS JOIN LATERAL unnest(keys) AS job(key) WHERE group_id = $2
         ), chosen AS (
             SELECT DISTINCT ON (into_group, task, kind, key) * FROM dead
             WHERE group_id = into_group OR NOT EXISTS (
                 SELECT FROM known WHERE known.task = dead.task AND known.kind = dead.kind AND known.key = dead.key)
             ORDER BY into_group, task, kind, key, job DESC
         ), over AS (
             UPDATE trueup.outcomes SET state = 'retried' FROM chosen WHERE outcomes.job = chosen.job
         ), numbered AS MATERIALIZED (
             SELECT nextval(pg_get_serial_sequence('trueup.jobs', 'id')) AS id, chosen.*, priority, trace,
                    payloads[array_position(ids, chosen.job)] AS payload,
                    (row_number() OVER (PARTITION BY into_group, chosen.task, chosen.kind ORDER BY chosen.job) - 1) / $3 AS part
             FROM chosen JOIN trueup.chunks ON chunks.id = chosen.chunk
         ), tries AS (
             INSERT INTO trueup.attempts (job, lease, run_at, failures, looks, crashes, suspicion, error)
             SELECT id, 0, now(), 0, 0, 0, CASE WHEN crashes > 0 THEN 2 ELSE 0 END, error FROM numbered
         ), inserted AS (
             INSERT INTO trueup.chunks (group_id, task, kind, priority, trace, ids, keys, payloads, first_id, last_id)
             SELECT into_group, task, kind, priority, trace, array_agg(id ORDER BY id), array_agg(key ORDER BY id),
                    CASE WHEN count(payload) > 0 THEN array_agg(payload ORDER BY id) END, min(id), max(id)
             FROM numbered GROUP BY into_group, task, kind, priority, trace, part
             RETURNING cardinality(ids) AS jobs
         )
         SELECT coalesce(sum(jobs), 0)::bigint FROM inserted",
    )
    .bind(ids)
    .bind(into_group)
    .bind(JOBS_PER_CHUNK)
    .persistent(false)
    .fetch_one(&mut *conn)
    .await?;
    if retried > 0 {
        wake(conn).await?;
    }
    Ok(count(retried))
}
