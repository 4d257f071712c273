//! Giving dead jobs another life.

use sqlx::PgConnection;

use crate::Result;
use crate::enqueue::wake;
use crate::job::{GroupId, JobId};

/// See [`crate::retry`].
pub(crate) async fn retry(conn: &mut PgConnection, ids: &[JobId], into_group: Option<GroupId>) -> Result<u64> {
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
