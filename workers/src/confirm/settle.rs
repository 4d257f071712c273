//! What a second look, and perhaps a write, make of a plan.

use std::time::Duration;

use trueup_database::runs::{Conclusion, RepairState};
use trueup_database::{Kind, RepairOutcome};
use trueup_judge::{Confirmation, HeldBack, Plan, SettlingReason, UnknownReason, Verdict};
use trueup_spec::Priority;

use super::Decided;
use super::agree::Second;
use crate::context::Context;

/// Where a plan stands after it.
pub(super) enum Settling {
    LookAgain { after: Duration, reason: Verdict, plan: Option<Plan> },
    Concluded(Conclusion),
}

pub(super) fn settle(
    context: &Context,
    kind: &Kind,
    it: &Decided<'_>,
    outcome: Option<&RepairOutcome>,
    held_back: Option<&HeldBack>,
    repairing: bool,
) -> Settling {
    let conclude = |verdict: Verdict, confirmed: Option<&Plan>, repair: Option<RepairState>, detail: Option<String>| {
        let priorities =
            confirmed.iter().flat_map(|plan| &plan.drifts).map(|drift| kind.priority(&drift.field).map(Priority::as_str)).collect();
        let chain_key = it.plan.body.chain_key.clone();
        Settling::Concluded(Conclusion { plan: it.plan.id, chain_key, verdict, confirmed: confirmed.cloned(), priorities, repair, detail })
    };
    let may_look_again = it.job.looks < context.settings.max_looks;
    let again = |reason: Verdict, plan: Option<Plan>| {
        let settles_in = Duration::from_secs(u64::try_from(it.settles_in_secs).unwrap_or_default());
        Settling::LookAgain { after: settles_in.max(context.settings.look_again_after), reason, plan }
    };
    match (&it.confirmation, outcome) {
        (Confirmation::Gone(verdict), _) => conclude(*verdict, None, None, it.detail.clone()),
        (Confirmation::Other, _) => {
            let detail = "it is no longer what was approved: the row or its entry has changed since; propose it again".to_owned();
            conclude(Verdict::Settling(SettlingReason::Superseded), None, Some(RepairState::Superseded), Some(detail))
        }
        // The guard has counted it among those that do not write.
        (Confirmation::Moving { plan: Some(plan), otherwise }, _) if plan.action.writes() && !it.plan.body.plan.action.writes() => {
            conclude(*otherwise, None, None, None)
        }
        (Confirmation::Moving { plan, otherwise }, _) if may_look_again => again(*otherwise, plan.clone()),
        (Confirmation::Moving { otherwise, .. }, _) => conclude(*otherwise, None, None, None),
        (Confirmation::Confirmed(plan), None) => match held_back.map(Held::for_good).or_else(|| hold_back(it, plan, repairing)) {
            Some(Held { may_pass: true, .. }) if may_look_again => again(Verdict::Settling(SettlingReason::Moving), Some(plan.clone())),
            held => {
                let repair = held.is_some().then_some(RepairState::Withheld);
                conclude(Verdict::Drifted, Some(plan), repair, held.map(|held| held.why).or_else(|| it.detail.clone()))
            }
        },
        (Confirmation::Confirmed(plan), Some(outcome)) => match outcome {
            RepairOutcome::Repaired { .. } | RepairOutcome::AlreadyDone { .. } => {
                conclude(Verdict::Drifted, Some(plan), Some(RepairState::Repaired), None)
            }
            RepairOutcome::Altered { repair, .. } => {
                let detail = format!("something in the database made another value of it; see `trueup repairs show {repair}`");
                conclude(Verdict::Drifted, Some(plan), Some(RepairState::Altered), Some(detail))
            }
            RepairOutcome::Refused { reason } => conclude(Verdict::Drifted, Some(plan), Some(RepairState::Refused), Some(reason.clone())),
            RepairOutcome::Superseded if may_look_again => again(Verdict::Settling(SettlingReason::Superseded), None),
            RepairOutcome::Superseded => conclude(Verdict::Settling(SettlingReason::Superseded), None, Some(RepairState::Superseded), None),
            RepairOutcome::BehindFloor { floor } => {
                let detail = format!("an observation of ledger {floor} was applied before");
                conclude(Verdict::Unknown(UnknownReason::BehindFloor), None, None, Some(detail))
            }
        },
    }
}

/// Why a write is held back.
struct Held {
    why: String,
    /// Another look may find it otherwise.
    may_pass: bool,
}

impl Held {
    /// For this run.
    fn for_good(why: &HeldBack) -> Self {
        Self { why: why.to_string(), may_pass: false }
    }
}

/// Why a second endpoint keeps a confirmed plan from being executed; none where nothing would be written.
fn hold_back(it: &Decided<'_>, plan: &Plan, repairing: bool) -> Option<Held> {
    if !repairing || !plan.action.writes() {
        return None;
    }
    let why = it.second.objection()?;
    Some(Held { why, may_pass: matches!(it.second, Second::Unclear(_)) })
}
