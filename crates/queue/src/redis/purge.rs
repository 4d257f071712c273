//! Letting go of a finished group.

use sqlx::PgConnection;

use crate::Result;
use crate::enqueue::count;
use crate::job::GroupId;
use crate::purge::Purged;

/// See [`crate::purge_group`]. Chunk by chunk: each shrinks to the jobs that stay.
pub(crate) async fn purge_group(conn: &mut PgConnection, group: GroupId, limit: i64) -> Result<Purged> {
    // An end and its job's place in the chunk go in one statement: Redis may still hold the job, which is known to have
    // ended by either.
    let gone: i64 = sqlx::query_scalar(
        "WITH gone AS (
             DELETE FROM trueup.outcomes WHERE job = ANY(ARRAY(
                 SELECT job FROM trueup.outcomes WHERE group_id = $1 AND state <> 'dead' ORDER BY group_id, chunk LIMIT $2))
             RETURNING job, chunk, state
         ), shrunk AS (
             UPDATE trueup.chunks SET shrunk = true, (ids, keys, payloads) = (
                 SELECT coalesce(array_agg(job.id ORDER BY n), '{}'), coalesce(array_agg(job.key ORDER BY n), '{}'),
                        CASE WHEN chunks.payloads IS NOT NULL THEN coalesce(array_agg(job.payload ORDER BY n), '{}') END
                 FROM unnest(ids, keys, payloads) WITH ORDINALITY AS job(id, key, payload, n)
                 WHERE NOT EXISTS (SELECT FROM gone WHERE gone.job = job.id))
             WHERE id IN (SELECT chunk FROM gone)
         )
         SELECT count(*) FROM gone WHERE state <> 'retried'",
    )
    .bind(group)
    .bind(limit)
    .persistent(false)
    .fetch_one(&mut *conn)
    .await?;
    let ends_stay: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM trueup.outcomes WHERE group_id = $1 AND state <> 'dead')")
        .bind(group)
        .persistent(false)
        .fetch_one(&mut *conn)
        .await?;
    Ok(Purged { jobs: count(gone), is_all: !ends_stay && close_chunks(conn, group).await? })
}

/// Deletes the chunks of this group that are empty, and closes those of which all jobs have ended: what is left of them
/// in Redis is not worked on. Returns whether that is all of them. To be called when only the dead and the unended stay.
async fn close_chunks(conn: &mut PgConnection, group: GroupId) -> Result<bool> {
    sqlx::query("DELETE FROM trueup.chunks WHERE group_id = $1 AND ids = '{}'").bind(group).persistent(false).execute(&mut *conn).await?;
    sqlx::query(
        "UPDATE trueup.chunks SET open = false WHERE group_id = $1 AND open AND NOT EXISTS (
             SELECT FROM unnest(ids) AS job(id) WHERE NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = job.id))",
    )
    .bind(group)
    .persistent(false)
    .execute(&mut *conn)
    .await?;
    let open: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM trueup.chunks WHERE group_id = $1 AND open)")
        .bind(group)
        .persistent(false)
        .fetch_one(conn)
        .await?;
    Ok(!open)
}
