//! Giving the one job that a whole group waits for another life where it died.

use std::time::Duration;

use sqlx::PgConnection;

use crate::Result;
use crate::job::GroupId;
use crate::postgres::enqueue::wake;
use crate::settings::millis;

/// Makes the dead jobs of this task in these groups ready again that died longer than `dead_for` ago, with their
/// failures forgotten. A job whose process died with it stays dead: it might take the next one with it.
///
/// Returns the groups whose job is ready again, each with what had gone wrong last.
///
/// # Errors
/// What Postgres said.
pub async fn revive(conn: &mut PgConnection, groups: &[GroupId], task: &str, dead_for: Duration) -> Result<Vec<(GroupId, String)>> {
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
