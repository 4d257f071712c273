use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use trueup_judge::RunId;

use super::{IS_PROPOSAL, MATCHES, ProposalFilter};

/// A proposal that was decided about just now, in a transaction that is still open.
#[derive(Debug, Clone, FromRow)]
pub struct Decided {
    /// The plan.
    pub id: i64,
    /// The run that proposed it.
    pub run: i64,
    /// Its kind.
    pub kind: String,
    /// Who started that run, if it is known.
    pub proposer: Option<String>,
}

/// Approves the open proposals of a filter, in the caller's transaction. What somebody else decides meanwhile is not
/// among the answers.
///
/// # Errors
/// What Postgres said.
pub async fn approve(conn: &mut PgConnection, filter: &ProposalFilter, actor: &str, reason: &str) -> Result<Vec<Decided>, sqlx::Error> {
    decide(conn, filter, "approved", actor, reason).await
}

/// Rejects the open proposals of a filter, in the caller's transaction. Nothing is ever done about them; the next run
/// may propose the same again.
///
/// # Errors
/// What Postgres said.
pub async fn reject(conn: &mut PgConnection, filter: &ProposalFilter, actor: &str, reason: &str) -> Result<Vec<Decided>, sqlx::Error> {
    decide(conn, filter, "rejected", actor, reason).await
}

async fn decide(
    conn: &mut PgConnection,
    filter: &ProposalFilter,
    decision: &str,
    actor: &str,
    reason: &str,
) -> Result<Vec<Decided>, sqlx::Error> {
    // Rows are locked in the order of their ids, so that two people never wait for each other in a circle.
    sqlx::query_as(AssertSqlSafe(format!(
        "WITH chosen AS MATERIALIZED (
             SELECT p.id, r.actor FROM trueup.plans AS p JOIN trueup.runs AS r ON r.id = p.run
             WHERE {IS_PROPOSAL} AND {MATCHES} AND p.decision IS NULL
             ORDER BY p.id FOR UPDATE OF p
         )
         UPDATE trueup.plans AS p SET decision = $6, decided_by = $7, decision_reason = $8, decided_at = now()
         FROM chosen WHERE p.id = chosen.id
         RETURNING p.id, p.run, p.kind, chosen.actor AS proposer"
    )))
    .bind(&filter.ids)
    .bind(filter.run)
    .bind(&filter.kind)
    .bind(&filter.row)
    .bind(&filter.class)
    .bind(decision)
    .bind(actor)
    .bind(reason)
    .fetch_all(conn)
    .await
}

/// Gives a run the plans of approved proposals. Returns how many.
///
/// # Errors
/// What Postgres said.
pub async fn copy_into(conn: &mut PgConnection, run: RunId, proposals: &[i64]) -> Result<u64, sqlx::Error> {
    let copied = sqlx::query(
        "INSERT INTO trueup.plans (run, kind, identity, chain_key, plan, approves)
         SELECT $1, kind, identity, chain_key, plan, id FROM trueup.plans WHERE id = ANY($2) AND decision = 'approved' ORDER BY id",
    )
    .bind(run.0)
    .bind(proposals)
    .execute(&mut *conn)
    .await?
    .rows_affected();
    sqlx::query("UPDATE trueup.plans SET decision_run = $1 WHERE id = ANY($2)").bind(run.0).bind(proposals).execute(conn).await?;
    Ok(copied)
}

/// Why a plan cannot be decided about, as a sentence; none if it is an open proposal.
///
/// # Errors
/// What Postgres said.
pub async fn why_not(conn: &mut PgConnection, plan: i64) -> Result<Option<String>, sqlx::Error> {
    #[derive(FromRow)]
    struct Row {
        run: i64,
        mode: String,
        phase: String,
        verdict: Option<String>,
        action: Option<String>,
        decision: Option<String>,
        decided_by: Option<String>,
    }
    let row: Option<Row> = sqlx::query_as(
        "SELECT p.run, r.mode, r.phase, p.verdict, p.plan -> 'action' ->> 'do' AS action, p.decision, p.decided_by
         FROM trueup.plans AS p JOIN trueup.runs AS r ON r.id = p.run WHERE p.id = $1",
    )
    .bind(plan)
    .fetch_optional(conn)
    .await?;
    let Some(row) = row else { return Ok(Some(format!("there is no plan {plan}"))) };
    let run = row.run;
    Ok(match (row.mode.as_str(), row.phase.as_str(), row.verdict.as_deref(), row.action.as_deref()) {
        (mode, ..) if mode != "propose" => Some(format!("plan {plan} is of run {run}, whose mode is {mode} and not propose")),
        (_, phase, ..) if phase != "done" => Some(format!("plan {plan} is of run {run}, which is not finished")),
        (_, _, verdict, _) if verdict != Some("drifted") => {
            Some(format!("plan {plan} was not confirmed: {}", verdict.unwrap_or("its run ended first")))
        }
        (.., Some("report")) => Some(format!("plan {plan} only reports: it would write nothing")),
        _ => row.decision.map(|decision| format!("plan {plan} was {decision} by {} already", row.decided_by.unwrap_or_default())),
    })
}
