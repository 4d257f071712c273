//! Proposals become runs: what a person has approved is looked at again, and executed if it is still exactly so.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, PgPool};
use trueup_database::proposals::{self, Decided, ProposalFilter};
use trueup_database::runs::{self, GuardOverride, NewRun};
use trueup_judge::{EntityKind, Mode, RunId, Sweep};

use crate::enqueue::seal;

/// What a person says of proposals.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Which.
    pub filter: ProposalFilter,
    /// Who says it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Whoever decides must not be who started the run that proposed it.
    pub four_eyes: bool,
}

/// How what was approved is executed.
#[derive(Debug, Clone)]
pub struct Execution {
    /// After so many seconds its run is reported as it stands.
    pub timeout_secs: i64,
    /// Lets it write more than the guard allows.
    pub guard_override: Option<GuardOverride>,
    /// W3C traceparent of its trace.
    pub trace: Option<String>,
}

/// The runs that execute what was approved, one for each run that proposed it, with how many plans each has.
pub type ApprovalRuns = Vec<(RunId, u64)>;

/// Approves proposals, and opens the runs that execute them. Any worker does the rest. Nothing at all is approved
/// where one of the plans that were named cannot be. Empty if no open proposal matches.
///
/// # Errors
/// A named plan is no open proposal; the proposer approves where four eyes are asked for; or what Postgres said.
pub async fn approve_proposals(pool: &PgPool, decision: &Decision, execution: &Execution) -> anyhow::Result<ApprovalRuns> {
    let mut tx = pool.begin().await?;
    let decided = proposals::approve(&mut tx, &decision.filter, &decision.actor, &decision.reason).await?;
    check(&mut tx, decision, &decided).await?;
    let mut by_run: BTreeMap<i64, Vec<&Decided>> = BTreeMap::new();
    for proposal in &decided {
        by_run.entry(proposal.run).or_default().push(proposal);
    }
    let mut approved = ApprovalRuns::new();
    for (proposed, proposals) in by_run {
        let run = runs::open(&mut tx, &new_run(proposed, &proposals, decision, execution)).await?;
        let ids: Vec<i64> = proposals.iter().map(|proposal| proposal.id).collect();
        let plans = proposals::copy_into(&mut tx, run, &ids).await?;
        // It has no first looks: the proposals are them. Sealing it starts what comes after.
        seal(&mut tx, run).await?;
        approved.push((run, plans));
    }
    tx.commit().await?;
    Ok(approved)
}

/// Rejects proposals, and says how many. Nothing at all is rejected where one of the plans that were named cannot be.
///
/// # Errors
/// As [`approve_proposals`]; a proposer may always take back what they proposed.
pub async fn reject_proposals(pool: &PgPool, decision: &Decision) -> anyhow::Result<u64> {
    let mut tx = pool.begin().await?;
    let decided = proposals::reject(&mut tx, &decision.filter, &decision.actor, &decision.reason).await?;
    check(&mut tx, &Decision { four_eyes: false, ..decision.clone() }, &decided).await?;
    tx.commit().await?;
    Ok(u64::try_from(decided.len())?)
}

async fn check(conn: &mut PgConnection, decision: &Decision, decided: &[Decided]) -> anyhow::Result<()> {
    let found: BTreeSet<i64> = decided.iter().map(|proposal| proposal.id).collect();
    if let Some(id) = decision.filter.ids.iter().find(|id| !found.contains(id)) {
        let why = match proposals::why_not(conn, *id).await? {
            Some(why) => why,
            None => format!("plan {id} does not match the other filters"),
        };
        anyhow::bail!("{why}; nothing was decided. `trueup repairs proposed` lists what waits for a decision");
    }
    if !decision.four_eyes {
        return Ok(());
    }
    for proposal in decided {
        match proposal.proposer.as_deref().map(str::trim) {
            Some(proposer) if proposer != decision.actor.trim() => {}
            Some(proposer) => anyhow::bail!(
                "plan {} was proposed by {proposer} in run {}, and [approval] four_eyes asks for somebody else; nothing was approved",
                proposal.id,
                proposal.run
            ),
            None => anyhow::bail!(
                "nobody knows who proposed plan {}: run {} was made by an older version. [approval] four_eyes cannot be kept; propose it again",
                proposal.id,
                proposal.run
            ),
        }
    }
    Ok(())
}

fn new_run(proposed: i64, proposals: &[&Decided], decision: &Decision, execution: &Execution) -> NewRun {
    let kinds: BTreeSet<EntityKind> = proposals.iter().map(|proposal| EntityKind(proposal.kind.clone())).collect();
    NewRun {
        origin: format!("approval of run {proposed}"),
        kinds: kinds.into_iter().collect(),
        mode: Mode::Repair,
        sweep: Sweep::Full,
        timeout_secs: execution.timeout_secs,
        trace: execution.trace.clone(),
        actor: Some(decision.actor.clone()),
        guard_override: execution.guard_override.clone(),
        follows: Some(RunId(proposed)),
        touches: false,
    }
}
