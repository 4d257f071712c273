//! Touches: entities that are looked at now. Somebody names one (a command, a trigger, a notification, an event of the
//! chain), it waits in `trueup.touches`, and a toucher makes a small run of all that wait.

mod collect;
mod listen;
mod name;
mod retention;
mod toucher;

pub use name::{NamedEntity, touch};
pub(crate) use retention::forget_touches;
pub use toucher::{Touching, run_toucher};

/// The priority of first and second looks at touched entities: ahead of everything else.
pub(crate) const TOUCH_PRIORITY: i16 = 5;

/// What says in a job's payload that it belongs to a run of touches: it does not wait behind the jobs of a sweep.
pub(crate) fn lane() -> serde_json::Value {
    serde_json::json!({ LANE: true })
}

/// Whether a job is one of a touched entity.
pub(crate) fn is_of_touch(job: &trueup_queue::Job) -> bool {
    job.payload.as_ref().is_some_and(|payload| payload.get(LANE).is_some())
}

const LANE: &str = "touch";
