//! The queue on Postgres alone: jobs are rows of `trueup.jobs`.

pub(crate) mod ack;
pub(crate) mod cancel;
mod ended;
pub(crate) mod enqueue;
pub(crate) mod fence;
pub(crate) mod heartbeat;
pub(crate) mod lease;
pub(crate) mod purge;
pub(crate) mod reap;
pub(crate) mod release;
pub(crate) mod retry;
pub(crate) mod revive;
