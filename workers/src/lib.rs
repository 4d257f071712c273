//! The job handlers, and the loops that run them.
//!
//! A run is opened ([`start_run`]), filled with jobs ([`enqueue_run`]), looked at once (`sieve` for a range of rows,
//! `detect` for a row of which there is more to say, `discover` for keys that the table lacks), looked at a second time
//! where something differs (`confirm`, which in mode `repair` also writes), and reported (`aggregate`). [`run_worker`]
//! works on jobs, [`run_scheduler`] starts runs, [`feed_events`] stores what contracts emit; all are plain futures that
//! a service can spawn in its own runtime.

mod aggregate;
mod approve;
mod batcher;
mod confirm;
mod context;
mod contracts;
mod detect;
mod document;
mod elements;
mod enqueue;
mod enumerate;
mod events;
mod forsaken;
mod handler;
mod look;
mod matching;
mod meter;
mod progress;
mod range;
mod retention;
mod retry;
mod sample;
mod schedule;
mod scheduler;
mod settings;
mod sieve;
mod start;
mod task;
mod throttle;
mod touch;
mod trace;
mod worker;

pub use approve::{ApprovalRuns, Decision, Execution, approve_proposals, reject_proposals};
pub use context::Context;
pub use document::{Document, GuardPart, KindPart, Ledgers, RunPart, ThrottledPart, VERSION};
pub use enqueue::{enqueue_beside_scheduler, enqueue_run};
pub use events::feed_events;
pub use forsaken::unless_forsaken;
pub use meter::{ARCHIVE_REQUESTS, SQL_STATEMENTS};
pub use retry::{Retried, retry_jobs};
pub use sample::{Checked, Sample, check_kind};
pub use schedule::{CronExpression, FullSweeps, Schedule};
pub use scheduler::{run_now, run_scheduler};
pub use settings::{Settings, ThrottleSettings};
pub use start::{cancel, kinds_named, run_status, start_run};
pub use task::Task;
pub use touch::{NamedEntity, Touching, run_toucher, touch};
pub use trace::traceparent;
/// How one of the chain's endpoints is.
pub use trueup_chain::SurveyedEndpoint;
pub use worker::run_worker;
