//! Runs: opened, filled with jobs, counted to completion, and ended exactly once.
//!
//! Every function here takes the caller's connection, so that what a run counts commits together with the jobs
//! that it counts.

mod advance;
mod creations;
mod enqueue;
mod held;
mod open;
mod plans;
mod ranged;
mod retention;
mod select;
mod tick;

pub use advance::{Counted, count, finish, give_up, start_confirming};
pub use creations::{close_claimed, creations, keep_creations, remember_over};
pub use enqueue::{
    Cursor, KeyCursor, KindCursor, ParentCursor, ParentPlace, add_chunk, add_note, add_retried, claim_enqueue, seal, unsealed,
};
pub use held::{Guards, HeldBackKinds, entities_of_latest, guards_of, hold_back, keep_guards, plans_that_write};
pub use open::{GuardOverride, NewRun, open};
pub use plans::{
    Approval, Conclusion, NewPlan, RepairState, StoredPlan, conclude, fail_plans, insert_plans, keep_second_read, load_plans,
    plans_to_confirm, plans_waiting,
};
pub use ranged::{Ranged, add_ranged};
pub use retention::{purged, take_purgeable};
pub use select::{Phase, Run, RunState, Running, expired, get, in_phase, latest_finished, list, lock_running, modes, unfinished_like};
pub use tick::{Tick, attach_run, forget_ticks, last_full_tick, last_tick, now, record_tick, take_schedule};
