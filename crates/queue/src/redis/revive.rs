//! Giving the one job that a whole group waits for another life where it died.

use std::time::Duration;

use sqlx::PgConnection;

use crate::Result;
use crate::job::{GroupId, JobId};
use crate::redis::retry::retry;
use crate::settings::millis;

/// See [`crate::revive`].
pub(crate) async fn revive(conn: &mut PgConnection, groups: &[GroupId], task: &str, dead_for: Duration) -> Result<Vec<(GroupId, String)>> {
    let dead: Vec<(JobId, GroupId, String)> = sqlx::query_as(
        "SELECT job, group_id, coalesce(error, '') FROM trueup.outcomes
         WHERE group_id = ANY($1) AND task = $2 AND state = 'dead' AND crashes = 0
           AND ended_at <= now() - $3 * interval '1 millisecond'",
    )
    .bind(groups)
    .bind(task)
    .bind(millis(dead_for))
    .fetch_all(&mut *conn)
    .await?;
    let mut revived = Vec::with_capacity(dead.len());
    for (job, group, error) in dead {
        // Somebody else may have been at it meanwhile.
        if retry(conn, &[job], None).await? > 0 {
            revived.push((group, error));
        }
    }
    Ok(revived)
}
