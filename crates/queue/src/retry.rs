//! Giving dead jobs another life.

use sqlx::PgConnection;

use crate::engine::{EngineName, in_force};
use crate::job::{GroupId, JobId};
use crate::{Result, postgres, redis};

/// Makes these dead jobs ready again, with their failures forgotten and their last error kept until they end.
/// `into_group` moves them, so that a group that was finished stays as it was reported. Ids that are not dead are
/// left as they are; so is a job whose (task, kind, key) the other group already has.
///
/// Only jobs that died under the engine in force: those of the other one stay as they are.
///
/// Returns how many are ready again.
///
/// # Errors
/// What Postgres said.
pub async fn retry(conn: &mut PgConnection, ids: &[JobId], into_group: Option<GroupId>) -> Result<u64> {
    match in_force(conn).await? {
        EngineName::Postgres => postgres::retry::retry(conn, ids, into_group).await,
        EngineName::Redis => redis::retry::retry(conn, ids, into_group).await,
    }
}
