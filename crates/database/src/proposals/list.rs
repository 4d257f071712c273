use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};

use super::{IS_PROPOSAL, MATCHES};

/// Which proposals; what is not said does not restrict.
#[derive(Debug, Clone, Default)]
pub struct ProposalFilter {
    /// These plans.
    pub ids: Vec<i64>,
    /// Of this run.
    pub run: Option<i64>,
    /// Of this kind.
    pub kind: Option<String>,
    /// Of this row; for a row that is missing, its chain key.
    pub row: Option<String>,
    /// With a drift of this class.
    pub class: Option<String>,
}

/// What became of proposals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProposalState {
    /// Nobody has decided.
    Open,
    /// They were approved.
    Approved,
    /// They were rejected.
    Rejected,
    /// Any of these.
    All,
}

impl FromStr for ProposalState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "approved" => Ok(Self::Approved),
            "rejected" => Ok(Self::Rejected),
            "all" => Ok(Self::All),
            _ => Err(format!("`{text}` is none of open, approved, rejected, all")),
        }
    }
}

/// A plan that waits for a person, or that one has decided about.
#[derive(Debug, Clone, FromRow, Serialize)]
pub struct Proposal {
    /// The plan's id.
    pub id: i64,
    /// The run that proposed it.
    pub run: i64,
    /// Who started that run, if it is known.
    pub proposer: Option<String>,
    /// When that run was finished.
    pub proposed_at: Option<DateTime<Utc>>,
    /// The kind.
    pub kind: String,
    /// The row; none for one that is missing.
    pub identity: Option<String>,
    /// The chain key.
    pub chain_key: Option<String>,
    /// What it would do: update, insert, resolve.
    pub action: String,
    /// The plan: drifts, action, judged columns, stamp.
    pub plan: Value,
    /// approved or rejected; none while it waits.
    pub decision: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<DateTime<Utc>>,
    /// Why.
    pub decision_reason: Option<String>,
    /// The run that executes it.
    pub decision_run: Option<i64>,
}

/// Proposals in the order of their ids, after one, at most `limit`.
///
/// # Errors
/// What Postgres said.
pub async fn list(
    conn: &mut PgConnection,
    filter: &ProposalFilter,
    state: ProposalState,
    after: i64,
    limit: i64,
) -> Result<Vec<Proposal>, sqlx::Error> {
    let state = match state {
        ProposalState::Open => "p.decision IS NULL",
        ProposalState::Approved => "p.decision = 'approved'",
        ProposalState::Rejected => "p.decision = 'rejected'",
        ProposalState::All => "true",
    };
    sqlx::query_as(AssertSqlSafe(format!(
        "SELECT p.id, p.run, r.actor AS proposer, r.finished_at AS proposed_at, p.kind, p.identity, p.chain_key,
                p.plan -> 'action' ->> 'do' AS action, p.plan, p.decision, p.decided_by, p.decided_at, p.decision_reason, p.decision_run
         FROM trueup.plans AS p JOIN trueup.runs AS r ON r.id = p.run
         WHERE {IS_PROPOSAL} AND {MATCHES} AND {state} AND p.id > $6 ORDER BY p.id LIMIT $7"
    )))
    .bind(&filter.ids)
    .bind(filter.run)
    .bind(&filter.kind)
    .bind(&filter.row)
    .bind(&filter.class)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await
}
