//! Taking over what a vanished worker held.

use sqlx::{Connection, PgConnection, Row};

use crate::enqueue::wake;
use crate::job::{LeaseNumber, State};
use crate::postgres::ended::ended_of;
use crate::queue::Queue;
use crate::reaped::Reaped;

/// Forgets expired leases that hold nothing any more: what is left of a batch whose jobs were all acked.
pub(crate) async fn forget_empty(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM trueup.leases WHERE number = ANY(ARRAY(
             SELECT number FROM trueup.leases WHERE until < now()
             AND NOT EXISTS (SELECT FROM trueup.jobs WHERE jobs.lease = number AND state = 'leased')
             FOR UPDATE SKIP LOCKED))",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The most expired leases that one round takes over.
const LEASES_PER_ROUND: i64 = 1_000;

/// The leases that have expired, oldest first.
pub(crate) async fn expired(conn: &mut PgConnection) -> Result<Vec<LeaseNumber>, sqlx::Error> {
    sqlx::query_scalar("SELECT number FROM trueup.leases WHERE until < now() ORDER BY number LIMIT $1")
        .bind(LEASES_PER_ROUND)
        .fetch_all(conn)
        .await
}

/// Takes over the jobs of this lease in one transaction, if it is still expired and nobody else is at it: they
/// are ready again, under more suspicion than before. A job that was alone when its process vanished has crashed
/// once more, and is dead when it did so too often; the ending hears of that.
///
/// Jobs whose rows somebody has locked are left for the next time, since the lock may be that of a fenced
/// transaction which is about to ack them.
pub(crate) async fn reap(queue: &Queue, conn: &mut PgConnection, lease: LeaseNumber) -> Result<Option<Reaped>, sqlx::Error> {
    let mut transaction = conn.begin().await?;
    let expired = sqlx::query(
        "SELECT worker, suspicion, alone FROM trueup.leases WHERE number = $1 AND until < now()
         FOR UPDATE SKIP LOCKED",
    )
    .bind(lease)
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(expired) = expired else {
        transaction.rollback().await?;
        return Ok(None);
    };

    let rows = sqlx::query(
        "UPDATE trueup.jobs SET
             suspicion = least($2 + 1, 2),
             crashes = crashes + $3,
             state = CASE WHEN crashes + $3 >= $4 THEN 'dead' ELSE 'ready' END,
             ended_at = CASE WHEN crashes + $3 >= $4 THEN now() END,
             error = CASE WHEN crashes + $3 >= $4
                 THEN 'the process died ' || (crashes + $3) || ' times while this job ran alone' ELSE error END
         WHERE id = ANY(ARRAY(
             SELECT id FROM trueup.jobs WHERE lease = $1 AND state = 'leased' FOR UPDATE SKIP LOCKED))
         RETURNING id, group_id, task, kind, key, state, outcome, error",
    )
    .bind(lease)
    .bind(expired.try_get::<i16, _>("suspicion")?)
    .bind(i32::from(expired.try_get::<bool, _>("alone")?))
    .bind(queue.settings().max_failures)
    .fetch_all(&mut *transaction)
    .await?;

    let mut dead = Vec::new();
    for row in &rows {
        if row.try_get::<State, _>("state")?.is_end() {
            dead.push(ended_of(row)?);
        }
    }
    queue.tell(&mut transaction, &dead).await?;
    sqlx::query(
        "DELETE FROM trueup.leases WHERE number = $1
         AND NOT EXISTS (SELECT FROM trueup.jobs WHERE lease = $1 AND state = 'leased')",
    )
    .bind(lease)
    .execute(&mut *transaction)
    .await?;
    if rows.len() > dead.len() {
        wake(&mut transaction).await?;
    }
    transaction.commit().await?;
    Ok(Some(Reaped { worker: expired.try_get("worker")?, ready: rows.len() - dead.len(), dead: dead.len() }))
}
