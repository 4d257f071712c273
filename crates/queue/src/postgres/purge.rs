//! Letting go of a finished group.

use sqlx::PgConnection;

use crate::Result;
use crate::job::GroupId;
use crate::purge::Purged;

/// See [`crate::purge_group`].
pub(crate) async fn purge_group(conn: &mut PgConnection, group: GroupId, limit: i64) -> Result<Purged> {
    let jobs = sqlx::query(
        "DELETE FROM trueup.jobs WHERE id = ANY(ARRAY(
             SELECT id FROM trueup.jobs WHERE group_id = $1 AND state IN ('done', 'cancelled')
             ORDER BY group_id, task, kind, key LIMIT $2))",
    )
    .bind(group)
    .bind(limit)
    // Planned for the table as it is now: a plan kept from when it was empty would scan all of it.
    .persistent(false)
    .execute(&mut *conn)
    .await?
    .rows_affected();
    let is_all = sqlx::query_scalar("SELECT NOT EXISTS (SELECT FROM trueup.jobs WHERE group_id = $1 AND state <> 'dead')")
        .bind(group)
        .persistent(false)
        .fetch_one(conn)
        .await?;
    Ok(Purged { jobs, is_all })
}
