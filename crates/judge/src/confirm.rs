//! Phase 2: drift counts only if a second read of both sides shows the same.

use crate::{Action, Judgement, Plan, SettlingReason, UnknownReason, Verdict};

/// What a second read makes of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirmation {
    /// The same drift, the same last-modified ledger, the same judged columns: the plan, with the second read's stamp.
    Confirmed(Plan),
    /// Something moved between the reads, and it still differs: look again, with the second read as the first.
    Moving {
        /// What the second read would do; none while the row is within its grace.
        plan: Option<Plan>,
        /// The verdict if nobody looks again.
        otherwise: Verdict,
    },
    /// It still differs, but not as the first read did, and only what the first read found may be done.
    Other,
    /// No drift any more; the second read's verdict stands.
    Gone(Verdict),
}

/// Compares the plan of a first read with what a second read says.
#[must_use]
pub fn confirm(first: &Plan, second: Judgement) -> Confirmation {
    match (second.verdict, second.plan) {
        (Verdict::Drifted, Some(plan)) if is_same(first, &plan) => Confirmation::Confirmed(plan),
        (Verdict::Drifted, plan) => Confirmation::Moving { plan, otherwise: Verdict::Settling(SettlingReason::Moving) },
        (Verdict::Settling(reason), _) => Confirmation::Moving { plan: None, otherwise: Verdict::Settling(reason) },
        // It says nothing yet, and may a moment later.
        (verdict @ Verdict::Unknown(UnknownReason::Inconsistent), _) => Confirmation::Moving { plan: None, otherwise: verdict },
        (verdict, _) => Confirmation::Gone(verdict),
    }
}

/// Like [`confirm`], for a plan that a person has read and approved, perhaps long ago. What is confirmed is what was
/// approved: the same drift of the same row. An entry that was written again meanwhile and still asks for exactly the
/// same write is looked at once more, since two reads must agree on its last-modified ledger; anything else that
/// changed is [`Confirmation::Other`].
#[must_use]
pub fn confirm_approved(approved: &Plan, second: Judgement) -> Confirmation {
    match confirm(approved, second) {
        Confirmation::Moving { plan: Some(plan), .. } if !asks_the_same(approved, &plan) => Confirmation::Other,
        confirmation => confirmation,
    }
}

pub(crate) fn is_same(first: &Plan, second: &Plan) -> bool {
    let last_modified = |plan: &Plan| plan.stamp.as_ref().map(|stamp| stamp.last_modified);
    is_same_drift(first, second)
        && (first.action == second.action || (is_of_one_entry(first) && writes_the_same(&first.action, &second.action)))
        && (is_resolved(second) || last_modified(first) == last_modified(second))
}

/// Whose key it is rests on the transaction or the event that the action names, and no later change of the entry moves
/// that.
fn is_resolved(plan: &Plan) -> bool {
    matches!(plan.action, Action::Resolve { .. })
}

/// Nothing says when what a view computes last changed, so that only the values themselves can be the same.
fn is_of_one_entry(plan: &Plan) -> bool {
    plan.stamp.as_ref().is_none_or(|stamp| stamp.last_modified.is_some())
}

/// The same, down to every value that would be written.
fn asks_the_same(first: &Plan, second: &Plan) -> bool {
    is_same_drift(first, second) && first.action == second.action
}

fn is_same_drift(first: &Plan, second: &Plan) -> bool {
    first.drifts == second.drifts && first.judged == second.judged
}

/// The same columns in the same way. Their values follow from what is compared besides (the entry of one ledger, the
/// judged columns), but for those that a spec takes from the clock: `created_at = "now()"` is never twice the same.
fn writes_the_same(first: &Action, second: &Action) -> bool {
    match (first, second) {
        (Action::Update { set: first }, Action::Update { set: second })
        | (Action::Insert { row: first }, Action::Insert { row: second }) => first.keys().eq(second.keys()),
        (first, second) => first == second,
    }
}
