//! Taking jobs under a lease.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::job::{JobId, NewJob};
use crate::leased::{Batch, Leased, Room};
use crate::settings::millis;

fn leased(row: &PgRow, is_suspect: bool, is_bulky: bool) -> Result<Leased, sqlx::Error> {
    Ok(Leased {
        id: row.try_get("id")?,
        lease: row.try_get("lease")?,
        group: row.try_get("group_id")?,
        task: row.try_get("task")?,
        kind: row.try_get("kind")?,
        key: row.try_get("key")?,
        payload: row.try_get("payload")?,
        failures: row.try_get("failures")?,
        looks: row.try_get("looks")?,
        trace: row.try_get("trace")?,
        is_suspect,
        is_bulky,
    })
}

/// Leases up to `$1` due jobs, most urgent first, and up to `$4` bulky ones of each priority from [`NewJob::BULKY`] on.
///
/// Each priority is probed by itself, so that jobs of an urgent priority that were put off into the future are
/// never walked over on the way to the next: within one priority the index ends the scan at `now()`.
///
/// Committed durably like everything else: were the commit asynchronous, a crash of the server could forget that a
/// lease number was given and give it again.
pub(crate) const LEASE: &str = "
    WITH RECURSIVE level(priority) AS (
        (SELECT priority FROM trueup.jobs WHERE state = 'ready' AND suspicion = 0 ORDER BY priority LIMIT 1)
        UNION ALL
        SELECT (SELECT jobs.priority FROM trueup.jobs
                WHERE state = 'ready' AND suspicion = 0 AND jobs.priority > level.priority
                ORDER BY jobs.priority LIMIT 1)
        FROM level WHERE level.priority IS NOT NULL
    ), picked AS MATERIALIZED (
        SELECT due.id FROM level CROSS JOIN LATERAL (
            SELECT jobs.id FROM trueup.jobs
            WHERE state = 'ready' AND suspicion = 0 AND jobs.priority = level.priority AND run_at <= now()
            ORDER BY run_at, id LIMIT CASE WHEN level.priority < 1000 THEN $1 ELSE $4 END FOR UPDATE SKIP LOCKED
        ) AS due LIMIT $1
    ), given AS (
        INSERT INTO trueup.leases (number, worker, until, suspicion, alone)
        SELECT nextval('trueup.lease_numbers'), $2, now() + $3 * interval '1 millisecond', 0, false
        WHERE EXISTS (SELECT FROM picked)
        RETURNING number
    ), leased AS (
        UPDATE trueup.jobs SET state = 'leased', lease = given.number
        FROM given WHERE jobs.id = ANY(ARRAY(SELECT id FROM picked))
        RETURNING jobs.id, lease, group_id, task, kind, key, payload::text, failures, looks, trace,
                  priority, run_at
    )
    SELECT leased.*, suspect.waits
    FROM (SELECT EXISTS (SELECT FROM trueup.jobs
                         WHERE state = 'ready' AND suspicion > 0
                         AND run_at <= now())) AS suspect(waits)
    LEFT JOIN leased ON true
    ORDER BY priority, run_at, id";

/// Leases a batch of jobs for this worker. The lease lives for `lease` from now, by the database's clock.
pub(crate) async fn lease(conn: &mut PgConnection, worker: &str, room: Room, lease: Duration) -> Result<Batch, sqlx::Error> {
    let number = |room: usize| i64::try_from(room).unwrap_or(i64::MAX);
    let query = sqlx::query(LEASE).bind(number(room.jobs)).bind(worker).bind(millis(lease)).bind(number(room.bulky));
    let rows = query.fetch_all(conn).await?;
    let mut batch = Batch { jobs: Vec::with_capacity(rows.len()), suspects: false };
    for row in &rows {
        batch.suspects = row.try_get("waits")?;
        if row.try_get::<Option<JobId>, _>("id")?.is_some() {
            batch.jobs.push(leased(row, false, row.try_get::<i16, _>("priority")? >= NewJob::BULKY)?);
        }
    }
    Ok(batch)
}

/// Leases the next suspects for a worker that holds nothing else: up to `together` of those that vanished in a
/// crowd, or else one of those that vanished among few. Empty when none is due.
pub(crate) async fn lease_suspects(
    conn: &mut PgConnection,
    worker: &str,
    together: usize,
    lease: Duration,
) -> Result<Vec<Leased>, sqlx::Error> {
    for (suspicion, limit) in [(1_i16, together), (2, 1)] {
        let rows = sqlx::query(
            "WITH picked AS MATERIALIZED (
                 SELECT id FROM trueup.jobs
                 WHERE state = 'ready' AND suspicion > 0 AND suspicion = $3 AND run_at <= now()
                 ORDER BY run_at, id LIMIT $4 FOR UPDATE SKIP LOCKED
             ), given AS (
                 INSERT INTO trueup.leases (number, worker, until, suspicion, alone)
                 SELECT nextval('trueup.lease_numbers'), $1, now() + $2 * interval '1 millisecond', $3, count(*) = 1
                 FROM picked HAVING count(*) > 0
                 RETURNING number
             )
             UPDATE trueup.jobs SET state = 'leased', lease = given.number
             FROM given WHERE jobs.id = ANY(ARRAY(SELECT id FROM picked))
             RETURNING jobs.id, lease, group_id, task, kind, key, payload::text, failures, looks, trace",
        )
        .bind(worker)
        .bind(millis(lease))
        .bind(suspicion)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *conn)
        .await?;
        if !rows.is_empty() {
            return rows.iter().map(|row| leased(row, true, false)).collect();
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests;
