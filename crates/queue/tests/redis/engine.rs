//! What tests of both engines do in their own way: here, on Redis.

use std::sync::OnceLock;

use sqlx::PgPool;
use trueup_queue::{JobId, RedisSettings};
use trueup_sandbox::{REDIS_URL, RedisServer};

/// The shared server, or one for this process.
pub fn redis() -> Option<RedisSettings> {
    static OWN: OnceLock<RedisServer> = OnceLock::new();
    let url = std::env::var(REDIS_URL).unwrap_or_else(|_| OWN.get_or_init(|| RedisServer::start().expect("a Redis server")).url());
    Some(RedisSettings::new(url))
}

/// Makes a job due that has failed so often, by what Postgres knows and a Redis that is filled anew.
pub async fn set_failures(pool: &PgPool, job: JobId, failures: i32) {
    sqlx::query(
        "INSERT INTO trueup.attempts (job, lease, run_at, failures, looks, crashes, suspicion) VALUES ($1, 0, now(), $2, 0, 0, 0)
         ON CONFLICT (job) DO UPDATE SET failures = $2, run_at = now()",
    )
    .bind(job)
    .bind(failures)
    .execute(pool)
    .await
    .unwrap();
    forget(pool).await;
}

/// Redis is to be filled anew.
pub async fn forget(pool: &PgPool) {
    sqlx::query("UPDATE trueup.queue SET epoch = NULL").execute(pool).await.unwrap();
}

/// Puts jobs that nobody has had yet under suspicion.
pub async fn suspect(pool: &PgPool, jobs: &[JobId], suspicion: i16) {
    sqlx::query(
        "INSERT INTO trueup.attempts (job, lease, run_at, failures, looks, crashes, suspicion)
         SELECT job, 0, now(), 0, 0, 0, $2 FROM unnest($1::bigint[]) AS suspect(job)",
    )
    .bind(jobs)
    .bind(suspicion)
    .execute(pool)
    .await
    .unwrap();
}

/// Gives a job that nobody has had yet this payload, as JSON text.
pub async fn set_payload(pool: &PgPool, job: JobId, payload: &str) {
    sqlx::query(
        "UPDATE trueup.chunks SET payloads = ARRAY(SELECT CASE WHEN id = $1 THEN $2::jsonb END FROM unnest(ids) AS job(id))
         WHERE $1 = ANY(ids)",
    )
    .bind(job)
    .bind(payload)
    .execute(pool)
    .await
    .unwrap();
}

/// A lease is taken over whole, once nobody has it locked.
pub const TAKES_OVER_EACH_JOB: bool = false;
