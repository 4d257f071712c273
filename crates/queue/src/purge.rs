//! Letting go of a finished group.

use sqlx::PgConnection;

use crate::job::GroupId;
use crate::{Result, postgres, redis};

/// What one [`purge_group`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    /// How many jobs went.
    pub jobs: u64,
    /// Nothing of the group is left but its dead.
    pub is_all: bool,
}

/// Deletes jobs of this group that are done or cancelled, at most `limit` of them. Dead ones stay for a person to look
/// at, and ones that have not ended stay because nothing may vanish unended.
///
/// # Errors
/// What Postgres said.
pub async fn purge_group(conn: &mut PgConnection, group: GroupId, limit: i64) -> Result<Purged> {
    // Whichever engine is in force: a group may be older than that.
    let rows = postgres::purge::purge_group(conn, group, limit).await?;
    let left = limit.saturating_sub_unsigned(rows.jobs);
    let ends = redis::purge::purge_group(conn, group, left).await?;
    Ok(Purged { jobs: rows.jobs + ends.jobs, is_all: rows.is_all && ends.is_all })
}
