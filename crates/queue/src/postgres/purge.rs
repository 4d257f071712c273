//! Letting go of a finished group.

use sqlx::PgConnection;

use crate::Result;
use crate::job::GroupId;

/// Deletes the jobs of this group that are done or cancelled. Dead ones stay for a person to look at, and ones that
/// have not ended stay because nothing may vanish unended.
///
/// Returns how many went.
///
/// # Errors
/// What Postgres said.
pub async fn purge_group(conn: &mut PgConnection, group: GroupId) -> Result<u64> {
    let deleted = sqlx::query("DELETE FROM trueup.jobs WHERE group_id = $1 AND state IN ('done', 'cancelled')")
        .bind(group)
        .execute(conn)
        .await?
        .rows_affected();
    Ok(deleted)
}
