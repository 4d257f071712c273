//! Giving the one job that a whole group waits for another life where it died.

use std::time::Duration;

use sqlx::PgConnection;

use crate::engine::{EngineName, in_force};
use crate::job::GroupId;
use crate::{Result, postgres, redis};

/// Makes the dead jobs of this task in these groups ready again that died longer than `dead_for` ago, with their
/// failures forgotten. A job whose process died with it stays dead: it might take the next one with it.
///
/// Returns the groups whose job is ready again, each with what had gone wrong last.
///
/// # Errors
/// What Postgres said.
pub async fn revive(conn: &mut PgConnection, groups: &[GroupId], task: &str, dead_for: Duration) -> Result<Vec<(GroupId, String)>> {
    match in_force(conn).await? {
        EngineName::Postgres => postgres::revive::revive(conn, groups, task, dead_for).await,
        EngineName::Redis => redis::revive::revive(conn, groups, task, dead_for).await,
    }
}
