//! Touches: single entities that somebody asks to be looked at now. They wait, coalesced, until a toucher makes a
//! small run of them; which run that was is kept beside them for as long as the run is.

mod claim;
mod list;
mod retention;
mod store;
mod trigger;
mod window;

pub use claim::{Assigned, Waiting, assign, begin_claim, claim, defer, is_any_due, open_runs};
pub use list::{Touched, outcomes};
pub use retention::{forget, forget_unwanted, to_forget};
pub use store::{NamedBy, NewTouch, Origin, store};
pub(crate) use store::{ON_CONFLICT, of_events};
pub(crate) use trigger::trigger;
pub use window::{count_in_window, lock_window, mark_in_window};
