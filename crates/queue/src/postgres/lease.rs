//! Taking jobs under a lease.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::job::{GroupId, JobId, LeaseNumber, NewJob};
use crate::leased::{Batch, Leased, Room};
use crate::settings::millis;

/// Priority, when it was due, id, lease, group, task, kind, key, payload, failures, looks, trace, and whether suspects
/// wait. By place, not by name: what is looked up for each of a batch's jobs is looked up twelve times.
type Row = (i16, DateTime<Utc>, JobId, LeaseNumber, GroupId, String, String, String, Option<String>, i32, i32, Option<String>, bool);

fn leased(row: Row, is_suspect: bool) -> Leased {
    let (priority, _, id, lease, group, task, kind, key, payload, failures, looks, trace, _) = row;
    let is_bulky = !is_suspect && priority >= NewJob::BULKY;
    Leased { id, lease, group, task, kind, key, payload, failures, looks, trace, is_suspect, is_bulky }
}

/// Whether jobs are due that must be leased apart.
macro_rules! suspects_wait {
    () => {
        "SELECT EXISTS (SELECT FROM trueup.jobs WHERE state = 'ready' AND suspicion > 0 AND run_at <= now())"
    };
}

/// Leases up to `$1` due jobs, most urgent first, and up to `$4` bulky ones of each priority from [`NewJob::BULKY`] on.
///
/// Each priority is probed by itself, so that jobs of an urgent priority that were put off into the future are
/// never walked over on the way to the next: within one priority the index ends the scan at `now()`.
///
/// Committed durably like everything else: were the commit asynchronous, a crash of the server could forget that a
/// lease number was given and give it again.
pub(crate) const LEASE: &str = concat!(
    "WITH RECURSIVE level(priority) AS (
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
    )
    UPDATE trueup.jobs SET state = 'leased', lease = given.number
    FROM given WHERE jobs.id = ANY(ARRAY(SELECT id FROM picked))
    RETURNING priority, run_at, jobs.id, lease, group_id, task, kind, key, payload::text, failures, looks, trace,
        (",
    suspects_wait!(),
    ")"
);

/// Leases a batch of jobs for this worker. The lease lives for `lease` from now, by the database's clock.
pub(crate) async fn lease(conn: &mut PgConnection, worker: &str, room: Room, lease: Duration) -> Result<Batch, sqlx::Error> {
    let number = |room: usize| i64::try_from(room).unwrap_or(i64::MAX);
    let query = sqlx::query_as(LEASE).bind(number(room.jobs)).bind(worker).bind(millis(lease)).bind(number(room.bulky));
    let mut rows: Vec<Row> = query.fetch_all(&mut *conn).await?;
    let suspects = match rows.first() {
        Some(row) => row.12,
        None => sqlx::query_scalar(suspects_wait!()).fetch_one(conn).await?,
    };
    rows.sort_unstable_by_key(|(priority, run_at, id, ..)| (*priority, *run_at, *id));
    Ok(Batch { jobs: rows.into_iter().map(|row| leased(row, false)).collect(), suspects })
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
        let rows: Vec<Row> = sqlx::query_as(
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
             RETURNING priority, run_at, jobs.id, lease, group_id, task, kind, key, payload::text, failures, looks, trace, true",
        )
        .bind(worker)
        .bind(millis(lease))
        .bind(suspicion)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *conn)
        .await?;
        if !rows.is_empty() {
            return Ok(rows.into_iter().map(|row| leased(row, true)).collect());
        }
    }
    Ok(Vec::new())
}

#[cfg(test)]
mod tests;
