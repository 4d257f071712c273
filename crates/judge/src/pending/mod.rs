//! What a pending transaction has become: DESIGN section 5 as one function over what was seen.

mod checkpoint;
mod decide;
mod evidence;

pub use checkpoint::Checkpoint;
pub use decide::{Because, Decision, TransactionState, pending_transaction};
pub use evidence::{AccountSeen, Answer, Evidence, LedgerTime, Retention, Terms};
