//! What passing over unmoved rows adds to a run.

use sqlx::PgConnection;
use trueup_judge::{EntityKind, RunId};

/// Counts what came of one range of rows, in the transaction that acks its job and before that ack: jobs that were
/// added for what has moved, and rows that have not moved. False, and the caller must roll back, if the run has ended.
///
/// # Errors
/// What Postgres said.
pub async fn add_sieved(conn: &mut PgConnection, run: RunId, kind: &EntityKind, jobs: i64, unmoved: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE trueup.runs
         SET detect_total = detect_total + $3,
             unmoved = jsonb_set(unmoved, ARRAY[$2], to_jsonb(coalesce((unmoved ->> $2)::bigint, 0) + $4))
         WHERE id = $1 AND state = 'running' AND phase IN ('enqueue', 'detect')",
    )
    .bind(run.0)
    .bind(&kind.0)
    .bind(jobs)
    .bind(unmoved)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
