//! The events of the specs' contracts: stored without gaps, or with gaps that are known.
//!
//! Each contract has a cursor. Everything in `[from_ledger, next_ledger)` is stored or in a recorded hole; a cursor
//! moves only in the transaction that stores what it moves over.

mod coverage;
mod cursor;
mod event;
mod hole;
mod place;
mod read;
mod status;
mod store;

pub use coverage::{Coverage, coverage};
pub use cursor::{EventCursor, Moved, advance, begin, cursors, saw_tip};
pub use event::StoredEvent;
pub use hole::{EventHole, HoleReason, fill, holes, record_hole};
pub use place::{text_at, topics_are};
pub use read::{by_ids, of_transaction};
pub use status::{EventStatus, statuses};
pub use store::store;
