//! The decisions of trueup, and the words that every other crate shares.
//!
//! Pure: no I/O, no clock, no randomness, no async. What time it is and how old a row is comes in as data, so that
//! each rule can be read as a table and tested as one.

mod agree;
mod altered;
mod class;
mod confirm;
mod guard;
mod held_back;
mod judge;
mod matching;
mod names;
mod observation;
mod pending;
mod plan;
mod provisional;
mod repair;
mod verdict;

pub use agree::{Agreement, SecondOpinion, agree};
pub use altered::AlteredRepair;
pub use class::Class;
pub use confirm::{Confirmation, confirm, confirm_approved};
pub use guard::{Guarded, LimitedBy, Limits, Share, guard, guard_window};
pub use held_back::HeldBack;
pub use judge::{Difference, Insertion, Judgement, Missing, RowFacts, Rules, Seen, judge_missing_row, judge_row};
pub use matching::{Candidate, Creation, Proof, Resolution, Unresolved, resolve_provisional};
pub use names::{ChainKey, EntityKind, Mode, ParseNameError, PlanId, RowIdentity, RunId, Sweep};
pub use observation::{Durability, Stamp};
pub use pending::{
    AccountSeen, Answer, Because, Checkpoint, Decision, Evidence, LedgerTime, Retention, Terms, TransactionState, pending_transaction,
};
pub use plan::{Action, Drift, Plan, Withheld};
pub use provisional::{CANDIDATES_MAX, ProvisionalRules, Target, judge_provisional, resolution_of, resolution_of_touch};
pub use repair::Repair;
pub use verdict::{SettlingReason, SkipReason, UnknownReason, Verdict};
