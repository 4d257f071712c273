//! Whether a second endpoint shows what a repair rests on.

use crate::confirm::is_same;
use crate::{Judgement, Plan, Verdict};

/// What a second endpoint says of one entity.
#[derive(Debug, Clone, Copy)]
pub struct SecondOpinion<'a> {
    /// What follows from its answer.
    pub judgement: &'a Judgement,
    /// The chain's bytes, base64 XDR; none where it showed nothing.
    pub entry: Option<&'a str>,
    /// As of which ledger it answered; none where its answer is of no use.
    pub ledger: Option<u32>,
    /// The contract's instance came in the same answer.
    pub with_instance: bool,
}

/// Whether two endpoints show the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreement {
    /// The same bytes, from which the same plan follows.
    Agreed,
    /// Nothing follows from the second answer, yet: it is older than what it should confirm, or row or chain moved
    /// meanwhile. Another look may tell.
    Unclear,
    /// As of a ledger of which it should show the same, it shows something else.
    Disagreed,
}

/// Holds what a second endpoint says against a plan that was confirmed by two reads, and the chain's bytes of the
/// second of those.
#[must_use]
pub fn agree(plan: &Plan, entry: Option<&str>, second: SecondOpinion<'_>) -> Agreement {
    let (Some(stamp), Some(ledger)) = (&plan.stamp, second.ledger) else { return Agreement::Unclear };
    // An entry is what it is from the ledger that last changed it; an absence is of the very ledger that showed it.
    if ledger < stamp.last_modified.unwrap_or(stamp.ledger) {
        return Agreement::Unclear;
    }
    let same_bytes = entry == second.entry && second.with_instance;
    match (second.judgement.verdict, &second.judgement.plan) {
        (Verdict::Drifted, Some(other)) if same_bytes && is_same(plan, other) => Agreement::Agreed,
        // The same on chain, and another row by now.
        (Verdict::Settling(_), _) => Agreement::Unclear,
        _ if same_bytes && entry.is_some() => Agreement::Unclear,
        // It is ahead, so that the chain may have moved on.
        _ if ledger > stamp.ledger => Agreement::Unclear,
        _ => Agreement::Disagreed,
    }
}
