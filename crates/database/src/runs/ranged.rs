//! What the first look at a range of rows adds to a run.

use sqlx::PgConnection;
use trueup_judge::{EntityKind, RunId};

/// What came of the rows of one range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ranged {
    /// Jobs that were added for rows of which more is to be said than these counts do.
    pub jobs: u64,
    /// Rows that have not moved since they were last in sync.
    pub unmoved: u64,
    /// Rows that were compared and are in sync.
    pub in_sync: u64,
    /// Rows that were compared and have a plan.
    pub suspected: u64,
}

/// Counts what came of one range of rows, in the transaction that acks its job and before that ack. False, and the
/// caller must roll back, if the run has ended.
///
/// # Errors
/// What Postgres said.
pub async fn add_ranged(conn: &mut PgConnection, run: RunId, kind: &EntityKind, ranged: Ranged) -> Result<bool, sqlx::Error> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let done = sqlx::query(
        "UPDATE trueup.runs
         SET detect_total = detect_total + $3,
             unmoved = jsonb_set(unmoved, ARRAY[$2], to_jsonb(coalesce((unmoved ->> $2)::bigint, 0) + $4)),
             in_sync = jsonb_set(in_sync, ARRAY[$2], to_jsonb(coalesce((in_sync ->> $2)::bigint, 0) + $5)),
             suspected = jsonb_set(suspected, ARRAY[$2], to_jsonb(coalesce((suspected ->> $2)::bigint, 0) + $6))
         WHERE id = $1 AND state = 'running' AND phase IN ('enqueue', 'detect')",
    )
    .bind(run.0)
    .bind(&kind.0)
    .bind(number(ranged.jobs))
    .bind(number(ranged.unmoved))
    .bind(number(ranged.in_sync))
    .bind(number(ranged.suspected))
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
