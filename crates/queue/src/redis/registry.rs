//! What this process knows of the jobs that it holds.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::job::{JobId, LeaseNumber};
use crate::redis::place::Place;
use crate::redis::record::{Header, Record, Tries};

/// A job that this process holds.
#[derive(Debug, Clone)]
pub(super) struct Mine {
    pub(super) lease: LeaseNumber,
    pub(super) record: Record,
    pub(super) header: std::sync::Arc<Header>,
    /// What its last ack made of it. Redis is told once the ack is committed, which only the worker knows.
    pub(super) next: Option<(Place, Tries)>,
}

/// The jobs that this process holds, from the moment it took them until Redis is told what became of them.
#[derive(Debug, Default)]
pub(super) struct Registry {
    jobs: Mutex<HashMap<JobId, Mine>>,
}

// === impl Registry ===

impl Registry {
    pub(super) fn insert(&self, mine: impl IntoIterator<Item = Mine>) {
        self.jobs.lock().extend(mine.into_iter().map(|mine| (mine.record.id, mine)));
    }

    /// What is known of a job that is held under this lease, which is about to be acked: whatever an ack before made of
    /// it was rolled back.
    pub(super) fn ack(&self, job: JobId, lease: LeaseNumber) -> Option<Mine> {
        let mut jobs = self.jobs.lock();
        let mine = jobs.get_mut(&job).filter(|mine| mine.lease == lease)?;
        mine.next = None;
        Some(mine.clone())
    }

    pub(super) fn set_next(&self, job: JobId, lease: LeaseNumber, next: (Place, Tries)) {
        if let Some(mine) = self.jobs.lock().get_mut(&job).filter(|mine| mine.lease == lease) {
            mine.next = Some(next);
        }
    }

    pub(super) fn take(&self, job: JobId, lease: LeaseNumber) -> Option<Mine> {
        let mut jobs = self.jobs.lock();
        if jobs.get(&job)?.lease == lease { jobs.remove(&job) } else { None }
    }

    /// These leases are lost, or were given up.
    pub(super) fn forget(&self, leases: &[LeaseNumber]) {
        if !leases.is_empty() {
            self.jobs.lock().retain(|_, mine| !leases.contains(&mine.lease));
        }
    }
}
