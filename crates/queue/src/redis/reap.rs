//! Taking leases from workers that vanished, or gave them up.

use sqlx::{Connection, PgConnection, Row};

use crate::ending::Ended;
use crate::job::{JobId, LeaseNumber, State};
use crate::queue::Queue;
use crate::reaped::Reaped;
use crate::redis::ack::forget_attempts;
use crate::settings::Settings;

/// Takes this lease away in one transaction, if it is still expired and no transaction holds it: its jobs are under more
/// suspicion than before. A job that was alone when its process vanished has crashed once more, and is dead when it did
/// so too often; the ending hears of that. What is in Redis is put back afterwards, by
/// [`give_back`](super::orphans::give_back).
pub(crate) async fn reap(queue: &Queue, conn: &mut PgConnection, lease: LeaseNumber) -> Result<Option<Reaped>, sqlx::Error> {
    let mut transaction = conn.begin().await?;
    let expired = sqlx::query(
        "SELECT worker, suspicion, alone, jobs FROM trueup.leases WHERE number = $1 AND until < now() AND jobs IS NOT NULL
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
        "INSERT INTO trueup.attempts AS known (job, lease, run_at, failures, looks, crashes, suspicion)
         SELECT job, $2, now(), 0, 0, $4, least($3 + 1, 2) FROM unnest($1::bigint[]) AS held(job)
         WHERE NOT EXISTS (SELECT FROM trueup.outcomes WHERE outcomes.job = held.job)
         ORDER BY job
         ON CONFLICT (job) DO UPDATE SET lease = excluded.lease, run_at = now(), crashes = known.crashes + excluded.crashes,
                                         suspicion = excluded.suspicion
         WHERE known.lease < excluded.lease
         RETURNING job, crashes",
    )
    .bind(expired.try_get::<Vec<JobId>, _>("jobs")?)
    .bind(lease)
    .bind(expired.try_get::<i16, _>("suspicion")?)
    .bind(i32::from(expired.try_get::<bool, _>("alone")?))
    .fetch_all(&mut *transaction)
    .await?;
    let mut crashed = Vec::new();
    for row in &rows {
        if row.try_get::<i32, _>("crashes")? >= queue.settings().max_failures {
            crashed.push(row.try_get::<JobId, _>("job")?);
        }
    }
    let dead = bury(&mut transaction, lease, &crashed, queue.settings()).await?;
    queue.tell(&mut transaction, &dead).await?;
    sqlx::query("DELETE FROM trueup.leases WHERE number = $1").bind(lease).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(Some(Reaped { worker: expired.try_get("worker")?, ready: rows.len() - dead.len(), dead: dead.len() }))
}

/// Ends jobs that killed their processes too often.
async fn bury(conn: &mut PgConnection, lease: LeaseNumber, jobs: &[JobId], settings: &Settings) -> Result<Vec<Ended>, sqlx::Error> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "INSERT INTO trueup.outcomes (job, lease, group_id, chunk, task, kind, key, state, error, failures, looks, crashes)
         SELECT job.id, $2, group_id, chunks.id, task, kind, job.key, 'dead',
                'the process died ' || crashes || ' times while this job ran alone', failures, looks, crashes
         FROM unnest($1::bigint[]) AS crashed(id)
         JOIN trueup.chunks ON open AND crashed.id BETWEEN first_id AND last_id
         CROSS JOIN LATERAL unnest(ids, keys) AS job(id, key)
         JOIN trueup.attempts ON attempts.job = job.id
         WHERE job.id = crashed.id AND crashes >= $3
         ON CONFLICT (job) DO NOTHING
         RETURNING job, group_id, task, kind, key, error",
    )
    .bind(jobs)
    .bind(lease)
    .bind(settings.max_failures)
    .fetch_all(&mut *conn)
    .await?;
    let dead = rows
        .iter()
        .map(|row| {
            Ok(Ended {
                job: row.try_get("job")?,
                group: row.try_get("group_id")?,
                task: row.try_get("task")?,
                kind: row.try_get("kind")?,
                key: row.try_get("key")?,
                state: State::Dead,
                outcome: None,
                error: row.try_get("error")?,
            })
        })
        .collect::<Result<Vec<_>, sqlx::Error>>()?;
    forget_attempts(conn, &dead.iter().map(|ended| ended.job).collect::<Vec<_>>()).await?;
    Ok(dead)
}

/// Gives these leases up without blame: what Redis holds of them is put back afterwards, as it was.
pub(crate) async fn release(conn: &mut PgConnection, leases: &[LeaseNumber]) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM trueup.leases WHERE number = ANY($1)").bind(leases).execute(conn).await.map(drop)
}
