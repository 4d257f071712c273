//! The report as a document, version 1. `docs/report.md` describes every field.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use trueup_database::report::{self, PlanCount};
use trueup_database::runs::{GuardOverride, Run, RunState};
use trueup_judge::{EntityKind, Guarded, HeldBack, Mode, Sweep, Verdict};
use trueup_queue::{GroupId, State};

use crate::meter::{THROTTLED_MS, THROTTLED_TIMES, THROTTLED_TOOK_PERCENT};
use crate::task::{RUN_ENDED, Task};

/// The version of [`Document`]; it grows when a field changes its meaning or goes, not when one is added.
pub const VERSION: u32 = 1;

/// What a run found and did, in numbers. The drifts and repairs themselves are rows beside it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// [`VERSION`].
    pub version: u32,
    /// The run.
    pub run: RunPart,
    /// Its ledgers.
    pub ledgers: Option<Ledgers>,
    /// What it found, by kind.
    pub kinds: BTreeMap<String, KindPart>,
    /// RPC calls by method, and SQL statements of the reconciliation.
    pub usage: BTreeMap<String, u64>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
    /// How its sweeps gave way to the application; none where they did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throttled: Option<ThrottledPart>,
}

/// How a run's sweeps gave way to the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThrottledPart {
    /// For how long batches were held back, over all workers, in milliseconds.
    pub waited_ms: u64,
    /// How often the database became slow.
    pub times: u64,
    /// How many percent of their usual time statements took then, on average; none where the database had become slow
    /// before the run, or sweeps only gave way to an application at work.
    pub took_percent: Option<u64>,
}

// === impl ThrottledPart ===

impl ThrottledPart {
    /// Takes it out of what a run has used.
    fn take(usage: &mut BTreeMap<String, u64>) -> Option<Self> {
        let [waited_ms, times, took] = [THROTTLED_MS, THROTTLED_TIMES, THROTTLED_TOOK_PERCENT].map(|name| usage.remove(name));
        let (waited_ms, times) = (waited_ms.unwrap_or_default(), times.unwrap_or_default());
        let took_percent = took.unwrap_or_default().checked_div(times);
        (waited_ms > 0 || times > 0).then_some(Self { waited_ms, times, took_percent })
    }
}

/// The run of a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunPart {
    /// Its id.
    pub id: i64,
    /// Who asked for it.
    pub origin: String,
    /// How far it went: detect, propose, repair.
    pub mode: String,
    /// Which entities it compared: `full` all, `incremental` those that had moved.
    #[serde(default)]
    pub sweep: Sweep,
    /// How it ended: completed, timed_out, cancelled.
    pub state: String,
    /// Not every entity has its verdict.
    pub partial: bool,
    /// By the database's clock.
    pub opened_at: DateTime<Utc>,
    /// By the database's clock.
    pub finished_at: DateTime<Utc>,
    /// Between the two, in milliseconds.
    pub duration_ms: i64,
    /// The run's trace.
    pub trace: Option<String>,
    /// Who started it, if it is known.
    #[serde(default)]
    pub actor: Option<String>,
    /// The run whose work it goes on with: whose dead jobs it retried, or whose proposals it executed.
    #[serde(default)]
    pub follows: Option<i64>,
    /// Who let it write more than the guard allows, and why.
    #[serde(default)]
    pub guard_override: Option<GuardOverride>,
}

/// The ledgers that a run's observations are of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ledgers {
    /// The lowest.
    pub min: u32,
    /// The highest.
    pub max: u32,
}

/// What a run found in one kind.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct KindPart {
    /// Entities that were looked at: rows, and keys that the chain has and the table lacked.
    pub entities: u64,
    /// Those among them that had not moved since they were last in sync, nor had their entries; they count as in sync.
    #[serde(default)]
    pub unmoved: u64,
    /// Ranges of rows that were not looked at; each counts as one entity.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ranges_missed: u64,
    /// Entities by verdict: in_sync, drifted, settling, skipped, unknown, failed, and `unjudged` in a partial report.
    pub verdicts: BTreeMap<String, u64>,
    /// Those that were not judged, by `verdict:reason`.
    pub not_judged: BTreeMap<String, u64>,
    /// Differences by class; an entity may have several.
    pub drifts: BTreeMap<String, u64>,
    /// Differences that are still there after the run: those that nothing was done about, or not what was planned.
    pub left: u64,
    /// Plans by what their repair came to: repaired, altered, superseded, refused, withheld.
    pub repairs: BTreeMap<String, u64>,
    /// Drifted entities whose entry is archived or of unknown lifetime.
    pub archived: u64,
    /// What the guard said of the whole set of plans; none if the run ended before that.
    #[serde(default)]
    pub guard: Option<GuardPart>,
    /// Why nothing of it was repaired, and how to mend it.
    #[serde(default)]
    pub held_back: Vec<String>,
}

/// What the guard said of one kind.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GuardPart {
    /// What it counted, and what it allows.
    #[serde(flatten)]
    pub guarded: Guarded,
    /// More would be written than is allowed. In mode `repair` nothing of the kind was, unless it is overridden.
    pub tripped: bool,
    /// It tripped, and someone had let this run through.
    pub overridden: bool,
}

impl Document {
    pub(crate) async fn assemble(conn: &mut PgConnection, run: &Run) -> Result<Self, trueup_queue::Error> {
        let mut kinds: BTreeMap<String, KindPart> = run.kinds.iter().map(|kind| (kind.0.clone(), KindPart::default())).collect();
        for outcome in trueup_queue::outcomes(conn, GroupId(run.id.0)).await? {
            let is_first_look = matches!(Task::from_name(&outcome.task), Some(Task::Detect | Task::Discover));
            if let (true, Some(kind)) = (is_first_look, kinds.get_mut(&outcome.kind)) {
                kind.add_first_look(outcome.state, outcome.outcome.as_deref(), outcome.count);
            }
            if let (Some(Task::Sieve), Some(kind)) = (Task::from_name(&outcome.task), kinds.get_mut(&outcome.kind)) {
                kind.add_range(outcome.state, outcome.outcome.as_deref(), outcome.count);
            }
        }
        for (name, kind) in &mut kinds {
            kind.add_ranged(run, &EntityKind(name.clone()));
        }
        let executes_proposals = report::executes_proposals(conn, run.id).await?;
        for plans in report::plan_counts(conn, run.id).await? {
            if let Some(kind) = kinds.get_mut(&plans.kind) {
                kind.add_plans(&plans);
                if executes_proposals {
                    // They are all that it looks at.
                    kind.entities += u64::try_from(plans.count).unwrap_or_default();
                }
            }
        }
        for drifts in report::drift_counts(conn, run.id).await? {
            if let Some(kind) = kinds.get_mut(&drifts.kind) {
                kind.drifts.insert(drifts.class, u64::try_from(drifts.count).unwrap_or_default());
                kind.left += u64::try_from(drifts.left).unwrap_or_default();
            }
        }
        for (name, kind) in &mut kinds {
            let name = EntityKind(name.clone());
            kind.guard = run.guards.get(&name).map(|guarded| GuardPart {
                guarded: *guarded,
                tripped: guarded.tripped(),
                overridden: guarded.tripped() && run.mode == Mode::Repair && run.guard_override.is_some(),
            });
            kind.held_back = run.held_back.0.get(&name).into_iter().flatten().map(HeldBack::to_string).collect();
        }
        let finished_at = run.finished_at.unwrap_or(run.opened_at);
        let mut usage = run.usage.clone();
        let throttled = ThrottledPart::take(&mut usage);
        Ok(Self {
            version: VERSION,
            run: RunPart {
                id: run.id.0,
                origin: run.origin.clone(),
                mode: run.mode.to_string(),
                sweep: run.sweep,
                state: run.state.as_str().to_owned(),
                partial: run.state != RunState::Completed,
                opened_at: run.opened_at,
                finished_at,
                duration_ms: (finished_at - run.opened_at).num_milliseconds(),
                trace: run.trace.clone(),
                actor: run.actor.clone(),
                follows: run.follows.map(|run| run.0),
                guard_override: run.guard_override.clone(),
            },
            ledgers: run.ledgers.map(|(min, max)| Ledgers { min, max }),
            kinds,
            usage,
            notes: run.notes.clone(),
            throttled,
        })
    }

    /// How many entities of a verdict there are over all kinds.
    #[must_use]
    pub fn total(&self, verdict: &str) -> u64 {
        self.kinds.values().filter_map(|kind| kind.verdicts.get(verdict)).sum()
    }

    /// How many entities drifted.
    #[must_use]
    pub fn drifted(&self) -> u64 {
        self.total("drifted")
    }

    /// How many differences are still there after the run.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.kinds.values().map(|kind| kind.left).sum()
    }
}

impl KindPart {
    /// A first look that suspected drift has its verdict from the second; see [`Self::add_plans`].
    fn add_first_look(&mut self, state: State, outcome: Option<&str>, count: u64) {
        self.entities += count;
        match (state, outcome) {
            (State::Done, Some("drifted")) => {}
            (State::Done, Some(outcome)) => self.add_verdict(outcome, count),
            (State::Dead, _) => self.add_verdict("failed", count),
            _ => self.add_verdict("unjudged", count),
        }
    }

    /// What was looked at of a range is counted as entities. One that was given up counts as one that nobody looked at.
    fn add_range(&mut self, state: State, outcome: Option<&str>, count: u64) {
        if state != State::Done || outcome == Some(RUN_ENDED) {
            self.ranges_missed += count;
            self.add_first_look(state, None, count);
        }
    }

    /// Rows that have no job of their own. One that has a plan has its verdict from the second look.
    fn add_ranged(&mut self, run: &Run, kind: &EntityKind) {
        let [unmoved, in_sync, suspected] =
            [&run.unmoved, &run.in_sync, &run.suspected].map(|counts| counts.get(kind).copied().unwrap_or_default());
        self.unmoved = unmoved;
        self.entities += unmoved + in_sync + suspected;
        if unmoved + in_sync > 0 {
            self.add_verdict(&Verdict::InSync.to_string(), unmoved + in_sync);
        }
    }

    /// Whether repairs were held back that would else have been made, or what was read is in doubt.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        !self.held_back.is_empty() || self.repairs.contains_key("withheld")
    }

    fn add_plans(&mut self, plans: &PlanCount) {
        let count = u64::try_from(plans.count).unwrap_or_default();
        self.add_verdict(plans.verdict.as_deref().unwrap_or("unjudged"), count);
        if let Some(repair) = &plans.repair {
            *self.repairs.entry(repair.clone()).or_default() += count;
        }
        if plans.archived && plans.verdict.as_deref() == Some("drifted") {
            self.archived += count;
        }
    }

    fn add_verdict(&mut self, outcome: &str, count: u64) {
        let word = outcome.split(':').next().unwrap_or(outcome);
        *self.verdicts.entry(word.to_owned()).or_default() += count;
        if !matches!(word, "in_sync" | "drifted") {
            *self.not_judged.entry(outcome.to_owned()).or_default() += count;
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_that_was_not_looked_at_counts_as_one_entity_however_its_job_ended() {
        for (state, outcome, verdict) in [
            (State::Cancelled, None, "unjudged"),
            (State::Leased, None, "unjudged"),
            (State::Done, Some(RUN_ENDED), "unjudged"),
            (State::Dead, None, "failed"),
        ] {
            let mut kind = KindPart::default();
            kind.add_range(state, outcome, 2);
            assert_eq!((kind.ranges_missed, kind.entities, kind.verdicts[verdict]), (2, 2, 2), "{state:?}");
        }
        let mut kind = KindPart::default();
        kind.add_range(State::Done, Some("6 unmoved, 1 in sync, 2 with a plan, 1 with a job"), 1);
        assert_eq!((kind.ranges_missed, kind.entities), (0, 0), "its rows count for themselves");
    }
}
