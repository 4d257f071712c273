//! Giving the one job that a whole group waits for another life where it died.

use std::time::Duration;

use sqlx::PgConnection;

use crate::Result;
use crate::enqueue::wake;
use crate::job::GroupId;
use crate::settings::millis;

/// See [`crate::revive`].
pub(crate) async fn revive(conn: &mut PgConnection, groups: &[GroupId], task: &str, dead_for: Duration) -> Result<Vec<(GroupId, String)>> {
    let revived: Vec<(GroupId, String)> = sqlx::query_as(
        "UPDATE trueup.jobs SET state = 'ready', run_at = now(), ended_at = NULL, failures = 0, looks = 0
         WHERE group_id = ANY($1) AND task = $2 AND state = 'dead' AND crashes = 0
           AND ended_at <= now() - $3 * interval '1 millisecond'
         RETURNING group_id, coalesce(error, '')",
    )
    .bind(groups)
    .bind(task)
    .bind(millis(dead_for))
    .fetch_all(&mut *conn)
    .await?;
    if !revived.is_empty() {
        wake(conn).await?;
    }
    Ok(revived)
}
