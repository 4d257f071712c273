//! Keeping leases alive.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::PgConnection;

use crate::job::LeaseNumber;
use crate::settings::millis;

/// Extends these leases to `lease` from now, by the database's clock, and with them those of this worker above
/// `incoming_above`, if given: leases whose numbers it has not been told yet. Those missing from the answer are lost:
/// their jobs were taken over.
pub(crate) async fn beat(
    conn: &mut PgConnection,
    worker: &str,
    leases: &[LeaseNumber],
    incoming_above: Option<LeaseNumber>,
    lease: Duration,
) -> Result<HashSet<LeaseNumber>, sqlx::Error> {
    let alive = sqlx::query_scalar(
        "UPDATE trueup.leases SET until = now() + $2 * interval '1 millisecond'
         WHERE number = ANY($1) OR worker = $3 AND number > $4
         RETURNING number",
    )
    .bind(leases)
    .bind(millis(lease))
    .bind(worker)
    // Null is above nothing.
    .bind(incoming_above)
    .fetch_all(conn)
    .await?;
    Ok(alive.into_iter().collect())
}
