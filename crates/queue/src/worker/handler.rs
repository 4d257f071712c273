//! What does the work of a job.

use std::future::Future;
use std::time::Duration;

use crate::job::Job;

/// Does the work of a job. One handler serves many jobs at the same time; a clone of it goes with each.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Works on one job. Dropped at an await when the worker must stop before it is finished, so what belongs
    /// together belongs in one transaction. A panic counts as a failure of this job and of no other.
    fn handle(&self, job: Job) -> impl Future<Output = Result<Handled, Failure>> + Send;
}

/// How a job was handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// It is done, with this outcome; the worker acks it, many at a time.
    Ack(String),
    /// It is not finished: look again later. Not a failure.
    Again {
        /// How long to wait.
        after: Duration,
        /// Why, kept with the job.
        reason: String,
    },
    /// The handler has committed the ack itself, together with the job's effects.
    AlreadyAcked,
}

/// Why a job could not be handled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Failure {
    /// What went wrong, kept with the job.
    pub error: String,
    /// Whether trying again is pointless: the job is dead at once.
    pub permanent: bool,
}

impl Failure {
    /// A failure that may pass: the job is tried again.
    pub fn passing(error: impl Into<String>) -> Self {
        Self { error: error.into(), permanent: false }
    }

    /// A failure that no further try can mend.
    pub fn permanent(error: impl Into<String>) -> Self {
        Self { error: error.into(), permanent: true }
    }
}
