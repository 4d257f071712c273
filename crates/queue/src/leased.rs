//! What an engine gives a worker.

use crate::job::{GroupId, Job, JobId, LeaseNumber};

/// A job as the queue holds it: what travels between the queue and a worker. Everything is typed but
/// the payload, which is JSON text until somebody needs it.
#[derive(Debug, Clone)]
pub(crate) struct Leased {
    pub(crate) id: JobId,
    pub(crate) lease: LeaseNumber,
    pub(crate) group: GroupId,
    pub(crate) task: String,
    pub(crate) kind: String,
    pub(crate) key: String,
    pub(crate) payload: Option<String>,
    pub(crate) failures: i32,
    pub(crate) looks: i32,
    pub(crate) trace: Option<String>,
    pub(crate) is_suspect: bool,
    pub(crate) is_bulky: bool,
}

impl Leased {
    /// The job that this row means.
    ///
    /// # Errors
    /// The payload is JSON that Postgres can hold and this program cannot, such as a number beyond any float.
    pub(crate) fn decode(self) -> Result<Job, serde_json::Error> {
        let payload = self.payload.as_deref().map(serde_json::from_str);
        Ok(Job {
            id: self.id,
            group: self.group,
            task: self.task,
            kind: self.kind,
            key: self.key,
            payload: payload.transpose()?,
            lease: self.lease,
            failures: self.failures,
            looks: self.looks,
            trace: self.trace,
            is_suspect: self.is_suspect,
        })
    }
}

/// How much one attempt to lease asks for at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Jobs altogether.
    pub(crate) jobs: usize,
    /// Bulky ones among them.
    pub(crate) bulky: usize,
}

/// What one attempt to lease gave.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The jobs, most urgent first; all under one lease.
    pub(crate) jobs: Vec<Leased>,
    /// Whether suspects wait, which must be leased apart.
    pub(crate) suspects: bool,
}
