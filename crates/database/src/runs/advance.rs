//! From phase to phase. Each step is one conditional UPDATE, so that of several processes that see a phase complete
//! exactly one goes on.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sqlx::types::Json;
use trueup_judge::RunId;

use super::select::Phase;

/// What has happened in a run since it was last counted.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// Detect and discover jobs that ended.
    pub detected: i64,
    /// Confirm jobs that ended.
    pub confirmed: i64,
    /// RPC calls by method and SQL statements.
    pub usage: BTreeMap<String, u64>,
    /// The lowest and highest ledger that an observation was of.
    pub ledgers: Option<(u32, u32)>,
}

/// Adds to a run's counts and, if that completes its phase, moves it on. The phase that it moved to is returned, and
/// the caller enqueues that phase's job in the same transaction.
///
/// Once a phase is over, no more of its jobs are counted than were its own: one that somebody put into the run later
/// ends like any other, instead of being refused, together with the jobs of other runs that end in its transaction.
///
/// # Errors
/// What Postgres said.
pub async fn count(conn: &mut PgConnection, run: RunId, counted: &Counted) -> Result<Option<Phase>, sqlx::Error> {
    let phase: Option<String> = sqlx::query_scalar(
        "UPDATE trueup.runs AS r SET
             detect_done = CASE
                 WHEN r.phase IN ('enqueue', 'detect') THEN r.detect_done + $2
                 ELSE least(r.detect_done + $2, r.detect_total) END,
             confirm_done = CASE
                 WHEN r.phase = 'confirm' THEN r.confirm_done + $3
                 ELSE least(r.confirm_done + $3, r.confirm_total) END,
             usage = (SELECT coalesce(jsonb_object_agg(name, total), '{}')
                      FROM (SELECT key AS name, sum(value::bigint) AS total
                            FROM (SELECT * FROM jsonb_each_text(r.usage) UNION ALL SELECT * FROM jsonb_each_text($4)) AS part
                            GROUP BY key) AS summed),
             ledger_min = least(r.ledger_min, $5),
             ledger_max = greatest(r.ledger_max, $6),
             phase = CASE
                 WHEN r.state <> 'running' THEN r.phase
                 WHEN r.phase = 'detect' AND r.detect_done + $2 = r.detect_total THEN 'match'
                 WHEN r.phase = 'confirm' AND r.confirm_done + $3 = r.confirm_total THEN 'aggregate'
                 ELSE r.phase END
         FROM (SELECT phase FROM trueup.runs WHERE id = $1 FOR NO KEY UPDATE) AS before
         WHERE r.id = $1
         RETURNING CASE WHEN r.phase <> before.phase THEN r.phase END",
    )
    .bind(run.0)
    .bind(counted.detected)
    .bind(counted.confirmed)
    .bind(Json(&counted.usage))
    .bind(counted.ledgers.map(|(low, _)| i64::from(low)))
    .bind(counted.ledgers.map(|(_, high)| i64::from(high)))
    .fetch_optional(conn)
    .await?
    .flatten();
    Ok(phase.as_deref().and_then(Phase::from_name))
}

/// Moves a matched run to its confirming phase with that many jobs, or past it where there is nothing to confirm.
/// None if the run was not in its matching phase: somebody else did it, or it has ended.
///
/// # Errors
/// What Postgres said.
pub async fn start_confirming(conn: &mut PgConnection, run: RunId, jobs: i64) -> Result<Option<Phase>, sqlx::Error> {
    let phase: Option<String> = sqlx::query_scalar(
        "UPDATE trueup.runs SET confirm_total = $2, phase = CASE WHEN $2 = 0 THEN 'aggregate' ELSE 'confirm' END
         WHERE id = $1 AND state = 'running' AND phase = 'match' RETURNING phase",
    )
    .bind(run.0)
    .bind(jobs)
    .fetch_optional(conn)
    .await?;
    Ok(phase.as_deref().and_then(Phase::from_name))
}

/// Ends a run before its time, `timed_out` or `cancelled`; its report will be partial. False if it had ended, or if all
/// of it is done and only its report is outstanding: the job that writes it is there, and must not be cancelled.
///
/// # Errors
/// What Postgres said.
pub async fn give_up(conn: &mut PgConnection, run: RunId, state: super::RunState) -> Result<bool, sqlx::Error> {
    let done =
        sqlx::query("UPDATE trueup.runs SET state = $2, phase = 'aggregate' WHERE id = $1 AND state = 'running' AND phase <> 'aggregate'")
            .bind(run.0)
            .bind(state.as_str())
            .execute(conn)
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a run whose report is written in the same transaction. False if it was ended before.
///
/// # Errors
/// What Postgres said.
pub async fn finish(conn: &mut PgConnection, run: RunId) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "UPDATE trueup.runs SET phase = 'done', finished_at = now(), state = CASE state WHEN 'running' THEN 'completed' ELSE state END
         WHERE id = $1 AND phase = 'aggregate'",
    )
    .bind(run.0)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
