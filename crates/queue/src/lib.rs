//! Durable jobs in groups, on apalis.
//!
//! A [`Job`] belongs to a group, is leased by a worker under a number that only
//! grows, and reaches exactly one end: done, dead or cancelled. The [`Ending`] is told of that end in the very
//! transaction that writes it, so that counters kept elsewhere in the database can neither miss a job nor count
//! one twice.
//!
//! The way through the crate: [`enqueue`] and [`enqueue_from`] put jobs in; a [`Worker`] leases them in batches,
//! hands each to its [`Handler`] and commits the answers in groups; [`fence`] and [`Queue::ack`] let a handler
//! commit its own effects together with its answer; [`inspect`] and [`retry`] are for the operator.
//!
//! This crate knows neither specs nor runs: a group is a number, a task and a kind are words, a key is a text.
//! There are two engines: `postgres` keeps jobs as rows, `redis` keeps in Postgres what must commit together and lets
//! Redis hand out. The worker's loops call them and hold neither SQL nor Lua.

mod ending;
mod engine;
mod enqueue;
mod error;
mod fence;
pub mod inspect;
mod job;
mod leased;
mod note;
mod outcomes;
mod postgres;
mod purge;
mod queue;
mod reaped;
mod redis;
mod retry;
mod revive;
mod settings;
mod worker;

pub use crate::redis::{DEFAULT_PREFIX, RedisSettings};
pub use ending::{Ended, Ending, NoEnding};
pub use engine::EngineName;
pub use enqueue::{Destination, Enqueued, enqueue, enqueue_from};
pub use error::{Error, is_transient};
pub use fence::fence;
pub use job::{Ack, AckResult, GroupId, Job, JobId, LeaseNumber, NewJob, State};
pub use outcomes::{Outcome, outcomes};
pub use purge::{Purged, purge_group};
pub use queue::Queue;
pub use retry::retry;
pub use revive::revive;
pub use settings::Settings;
pub use worker::Worker;
pub use worker::handler::{Failure, Handled, Handler};

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The channel on which enqueueing wakes the workers that have nothing to do.
pub const CHANNEL: &str = "trueup_jobs";

/// What is said on it once jobs that were added are in Redis.
pub(crate) const PUSHED: &str = "pushed";
