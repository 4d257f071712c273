//! Ending a group's jobs before they were tried.

use sqlx::PgConnection;

use crate::Result;
use crate::job::GroupId;
use crate::postgres::Queue;
use crate::postgres::ack::ended_of;

/// How many jobs one statement cancels: bounds the memory that their endings take.
const JOBS_PER_STATEMENT: i64 = 10_000;

impl Queue {
    /// Cancels the jobs of this group that wait, whether due or put off, and tells the [`Ending`](crate::Ending).
    /// Jobs that are held run to their end, and so do those that somebody is locking at this moment: they are being
    /// leased or acked. Waiting for them could be waiting for a transaction that waits for the caller's, since an ack
    /// locks jobs first and what the group means last. `conn` must be in a transaction, which the caller commits.
    ///
    /// Returns how many were cancelled.
    ///
    /// # Errors
    /// What Postgres or the ending said; the caller then rolls back.
    pub async fn cancel_group(&self, conn: &mut PgConnection, group: GroupId) -> Result<u64> {
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
            self.tell(conn, &ended).await?;
            cancelled += ended.len() as u64;
        }
    }
}
