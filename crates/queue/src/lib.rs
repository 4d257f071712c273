//! Durable jobs in groups, on apalis.
//!
//! A [`Job`] is a row of `trueup.jobs`. It belongs to a group, is leased by a worker under a number that only
//! grows, and reaches exactly one end: done, dead or cancelled. The [`Ending`] is told of that end in the very
//! transaction that writes it, so that counters kept elsewhere in the database can neither miss a job nor count
//! one twice.
//!
//! The way through the crate: [`enqueue`] and [`enqueue_from`] put jobs in; a [`Worker`] leases them in batches,
//! hands each to its [`Handler`] and commits the answers in groups; [`fence`] and [`Queue::ack`] let a handler
//! commit its own effects together with its answer; [`inspect`] and [`retry`] are for the operator.
//!
//! This crate knows neither specs nor runs: a group is a number, a task and a kind are words, a key is a text.
//! Everything that speaks SQL lives in `postgres`; the worker's loops call it and hold no SQL of their own, which
//! is where a second engine would fit.

mod ending;
mod error;
mod job;
mod postgres;
mod settings;
mod worker;

pub use ending::{Ended, Ending, NoEnding};
pub use error::{Error, is_transient};
pub use job::{Ack, AckResult, GroupId, Job, JobId, LeaseNumber, NewJob, State};
pub use postgres::Queue;
pub use postgres::enqueue::{Destination, Enqueued, enqueue, enqueue_from};
pub use postgres::fence::fence;
pub use postgres::inspect;
pub use postgres::outcomes::{Outcome, outcomes};
pub use postgres::purge::{Purged, purge_group};
pub use postgres::retry::retry;
pub use postgres::revive::revive;
pub use settings::Settings;
pub use worker::Worker;
pub use worker::handler::{Failure, Handled, Handler};

/// What the functions of this crate return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The channel on which enqueueing wakes the workers that have nothing to do.
pub const CHANNEL: &str = "trueup_jobs";
