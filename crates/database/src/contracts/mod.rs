//! Which code of each contract is accepted. What is seen first is accepted by itself; what it is changed to, by a
//! person. The history is kept.

mod accept;
mod check;
mod list;

pub use accept::{Acceptance, accept};
pub use check::{ContractCheck, SeenContract, check};
pub use list::{AcceptedContract, accepted, history, latest};

/// Who accepts, in the record of a contract that was never seen before.
pub const FIRST_SIGHT: &str = "first sight";
