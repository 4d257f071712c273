//! What tests of both engines do in their own way: here, on Postgres alone.

use sqlx::PgPool;
use trueup_queue::{JobId, RedisSettings};

pub fn redis() -> Option<RedisSettings> {
    None
}

/// Makes a job due that has failed so often.
pub async fn set_failures(pool: &PgPool, job: JobId, failures: i32) {
    sqlx::query("UPDATE trueup.jobs SET failures = $2, run_at = now() WHERE id = $1").bind(job).bind(failures).execute(pool).await.unwrap();
}

/// Puts jobs that nobody has had yet under suspicion.
pub async fn suspect(pool: &PgPool, jobs: &[JobId], suspicion: i16) {
    sqlx::query("UPDATE trueup.jobs SET suspicion = $2 WHERE id = ANY($1)").bind(jobs).bind(suspicion).execute(pool).await.unwrap();
}

/// Gives a job that nobody has had yet this payload, as JSON text.
pub async fn set_payload(pool: &PgPool, job: JobId, payload: &str) {
    sqlx::query("UPDATE trueup.jobs SET payload = $2::jsonb WHERE id = $1").bind(job).bind(payload).execute(pool).await.unwrap();
}

/// Of the jobs of a lease that has expired, those go on that nobody has locked.
pub const TAKES_OVER_EACH_JOB: bool = true;
