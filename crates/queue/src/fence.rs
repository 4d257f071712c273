//! Proof that a lease still holds.

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::engine::{EngineName, in_force};
use crate::job::{JobId, LeaseNumber};
use crate::{Result, postgres, redis};

/// Locks those of these jobs that are still leased under these numbers, and says which they are. To be
/// called first in a transaction that writes a job's effects: until it ends, nobody can take these jobs over, and
/// a job that is not in the answer has been taken over and must be left alone.
///
/// # Errors
/// What Postgres said.
pub async fn fence(conn: &mut PgConnection, jobs: &[(JobId, LeaseNumber)]) -> Result<HashSet<JobId>> {
    if jobs.is_empty() {
        return Ok(HashSet::new());
    }
    match in_force(conn).await? {
        EngineName::Postgres => postgres::fence::fence(conn, jobs).await,
        EngineName::Redis => Ok(redis::fence::fence(conn, jobs).await?),
    }
}
