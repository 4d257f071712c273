//! Giving dead jobs another life.

use sqlx::PgConnection;

use crate::Result;
use crate::job::{GroupId, JobId};
use crate::postgres::enqueue::wake;

/// Makes these dead jobs ready again, with their failures forgotten and their last error kept until they end.
/// `into_group` moves them, so that a group that was finished stays as it was reported. Ids that are not dead are
/// left as they are; so is a job whose (task, kind, key) the other group already has.
///
/// Returns how many are ready again.
///
/// # Errors
/// What Postgres said.
pub async fn retry(conn: &mut PgConnection, ids: &[JobId], into_group: Option<GroupId>) -> Result<u64> {
    let retried = sqlx::query(
        "WITH dead AS (
             SELECT id, coalesce($2, group_id) AS into_group, task, kind, key
             FROM trueup.jobs WHERE id = ANY($1) AND state = 'dead' ORDER BY id FOR UPDATE
         ), chosen AS (
             SELECT DISTINCT ON (into_group, task, kind, key) id, into_group FROM dead
             WHERE NOT EXISTS (
                 SELECT 1 FROM trueup.jobs AS there
                 WHERE there.group_id = into_group AND there.task = dead.task AND there.kind = dead.kind
                   AND there.key = dead.key AND there.id <> dead.id)
             ORDER BY into_group, task, kind, key, id DESC
         )
         UPDATE trueup.jobs SET state = 'ready', group_id = into_group, run_at = now(), ended_at = NULL,
                                failures = 0, looks = 0, crashes = 0,
                                suspicion = CASE WHEN crashes > 0 THEN 2 ELSE 0 END
         FROM chosen WHERE jobs.id = chosen.id",
    )
    .bind(ids)
    .bind(into_group)
    .execute(&mut *conn)
    .await?
    .rows_affected();
    if retried > 0 {
        wake(conn).await?;
    }
    Ok(retried)
}
