//! Ending a group's jobs before they were tried.

use sqlx::PgConnection;

use crate::Result;
use crate::job::GroupId;
use crate::postgres::ended::ended_of;
use crate::queue::Queue;

/// How many jobs one statement cancels: bounds the memory that their endings take.
const JOBS_PER_STATEMENT: i64 = 10_000;

/// See [`Queue::cancel_group`].
pub(crate) async fn cancel_group(queue: &Queue, conn: &mut PgConnection, group: GroupId) -> Result<u64> {
    let mut cancelled = 0;
    loop {
        let rows = sqlx::query(
            "UPDATE trueup.jobs SET state = 'cancelled', ended_at = now(), suspicion = 0
             WHERE id = ANY(ARRAY(
                 SELECT id FROM trueup.jobs WHERE group_id = $1 AND state = 'ready'
                 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED))
             RETURNING id, group_id, task, kind, key, state, outcome, error",
        )
        .bind(group)
        .bind(JOBS_PER_STATEMENT)
        .fetch_all(&mut *conn)
        .await?;
        if rows.is_empty() {
            return Ok(cancelled);
        }
        let ended = rows.iter().map(ended_of).collect::<Result<Vec<_>, _>>()?;
        queue.tell(conn, &ended).await?;
        cancelled += ended.len() as u64;
    }
}
