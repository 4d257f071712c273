//! Giving up what is held, without blame.

use sqlx::{Connection, PgConnection};

use crate::enqueue::wake;
use crate::job::LeaseNumber;

/// Makes the jobs that these leases still hold ready again, as they were before: no failure, no crash. Returns how
/// many.
pub(crate) async fn release(conn: &mut PgConnection, leases: &[LeaseNumber]) -> Result<u64, sqlx::Error> {
    let mut transaction = conn.begin().await?;
    sqlx::query("SELECT FROM trueup.leases WHERE number = ANY($1) ORDER BY number FOR UPDATE")
        .bind(leases)
        .execute(&mut *transaction)
        .await?;
    let released = sqlx::query(
        "UPDATE trueup.jobs SET state = 'ready' WHERE id = ANY(ARRAY(
             SELECT id FROM trueup.jobs WHERE lease = ANY($1) AND state = 'leased' ORDER BY id FOR UPDATE))",
    )
    .bind(leases)
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    sqlx::query("DELETE FROM trueup.leases WHERE number = ANY($1)").bind(leases).execute(&mut *transaction).await?;
    if released > 0 {
        wake(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(released)
}
