//! Proof that a lease still holds.

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::Result;
use crate::job::{JobId, LeaseNumber};

/// See [`crate::fence`]. Rows are locked in the order of their ids, so that fences never wait for each other in a circle.
pub(crate) async fn fence(conn: &mut PgConnection, jobs: &[(JobId, LeaseNumber)]) -> Result<HashSet<JobId>> {
    let ids: Vec<JobId> = jobs.iter().map(|(job, _)| *job).collect();
    let leases: Vec<LeaseNumber> = jobs.iter().map(|(_, lease)| *lease).collect();
    let held = sqlx::query_scalar(
        "SELECT jobs.id
         FROM unnest($1::bigint[], $2::bigint[]) AS held(id, lease)
         JOIN trueup.jobs ON jobs.id = held.id AND jobs.lease = held.lease AND jobs.state = 'leased'
         ORDER BY jobs.id
         FOR UPDATE OF jobs",
    )
    .bind(ids)
    .bind(leases)
    // Planned for the table as it is now: a plan kept from when it was empty would scan all of it.
    .persistent(false)
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().collect())
}
