//! Proof that a lease still holds.

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::job::{JobId, LeaseNumber};

/// See [`crate::fence`]. What is locked is the lease and not the job: who takes a lease over deletes it first, and who
/// was given a job under it is the only one that knows its number.
pub(crate) async fn fence(conn: &mut PgConnection, jobs: &[(JobId, LeaseNumber)]) -> Result<HashSet<JobId>, sqlx::Error> {
    let mut leases: Vec<LeaseNumber> = jobs.iter().map(|(_, lease)| *lease).collect();
    leases.sort_unstable();
    leases.dedup();
    let alive: Vec<LeaseNumber> =
        sqlx::query_scalar("SELECT number FROM trueup.leases WHERE number = ANY($1) AND jobs IS NOT NULL ORDER BY number FOR KEY SHARE")
            .bind(&leases)
            .fetch_all(&mut *conn)
            .await?;
    let alive: HashSet<LeaseNumber> = alive.into_iter().collect();
    let held: Vec<(JobId, LeaseNumber)> = jobs.iter().filter(|(_, lease)| alive.contains(lease)).copied().collect();
    // After the lock: what ended before it is seen.
    let held = sqlx::query_scalar(
        "SELECT id FROM unnest($1::bigint[], $2::bigint[]) AS held(id, lease)
         WHERE NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = held.id)
           AND NOT EXISTS (SELECT FROM trueup.attempts WHERE attempts.job = held.id AND attempts.lease = held.lease)",
    )
    .bind(held.iter().map(|(job, _)| *job).collect::<Vec<_>>())
    .bind(held.iter().map(|(_, lease)| *lease).collect::<Vec<_>>())
    .persistent(false)
    .fetch_all(conn)
    .await?;
    Ok(held.into_iter().collect())
}
