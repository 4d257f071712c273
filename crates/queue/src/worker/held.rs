//! What a worker holds.

use std::collections::{HashMap, HashSet};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::job::LeaseNumber;

/// The leases that a worker holds, with the number of jobs under each that it has not settled yet. This is what the
/// heartbeat extends and what a shutdown gives up.
#[derive(Debug, Default)]
pub(super) struct Held {
    leases: Mutex<HashMap<LeaseNumber, Unsettled>>,
    /// A lease with bulky jobs has come closer to its end.
    room: Notify,
    emptied: Notify,
    incoming: Mutex<Incoming>,
}

/// The jobs of a lease.
#[derive(Debug, Clone, Copy)]
struct Unsettled {
    jobs: usize,
    /// How many of all that the lease gave were bulky. Which of them are settled is not known: while others are not,
    /// these count as bulky.
    bulky: usize,
}

/// A lease that Postgres may have given while its number is still on the way.
#[derive(Debug, Default, Clone, Copy)]
struct Incoming {
    asked: bool,
    newest: i64,
}

impl Held {
    /// A lease is being asked for. Whatever is given from now on is extended too, although its number is not known
    /// here before the answer has been read, which a busy runtime may do late.
    pub(super) fn ask(&self) {
        self.incoming.lock().asked = true;
    }

    /// The answer has been read, or never will be.
    pub(super) fn answered(&self) {
        self.incoming.lock().asked = false;
    }

    /// The number above which leases may be this worker's without being known here.
    pub(super) fn incoming_above(&self) -> Option<LeaseNumber> {
        let incoming = *self.incoming.lock();
        incoming.asked.then_some(LeaseNumber(incoming.newest))
    }

    pub(super) fn take(&self, lease: LeaseNumber, jobs: usize, bulky: usize) {
        self.leases.lock().insert(lease, Unsettled { jobs, bulky });
        self.incoming.lock().newest = lease.0;
    }

    /// How many bulky jobs are held, at most.
    pub(super) fn bulky(&self) -> usize {
        self.leases.lock().values().map(|lease| lease.bulky.min(lease.jobs)).sum()
    }

    /// Waits until fewer bulky jobs may be held than before.
    pub(super) async fn has_room(&self) {
        self.room.notified().await;
    }

    /// One job of this lease needs the lease no more.
    pub(super) fn settle(&self, lease: LeaseNumber) {
        self.settle_all(std::iter::once(lease));
    }

    pub(super) fn settle_all(&self, settled: impl Iterator<Item = LeaseNumber>) {
        let mut leases = self.leases.lock();
        for lease in settled {
            // A lease that was lost meanwhile is not here any more.
            if let Some(unsettled) = leases.get_mut(&lease) {
                unsettled.jobs = unsettled.jobs.saturating_sub(1);
                if unsettled.bulky > unsettled.jobs {
                    self.room.notify_one();
                }
                if unsettled.jobs == 0 {
                    leases.remove(&lease);
                }
            }
        }
        if leases.is_empty() {
            self.emptied.notify_waiters();
        }
    }

    /// Whether this lease has jobs that are not settled and was not lost.
    pub(super) fn holds(&self, lease: LeaseNumber) -> bool {
        self.leases.lock().contains_key(&lease)
    }

    pub(super) fn numbers(&self) -> Vec<LeaseNumber> {
        self.leases.lock().keys().copied().collect()
    }

    /// Forgets those of `asked` that are not `alive`; returns how many those were.
    pub(super) fn lose(&self, asked: &[LeaseNumber], alive: &HashSet<LeaseNumber>) -> usize {
        let mut leases = self.leases.lock();
        let lost = asked.iter().filter(|lease| !alive.contains(lease) && leases.remove(lease).is_some()).count();
        if leases.is_empty() {
            self.emptied.notify_waiters();
        }
        lost
    }

    /// Waits until nothing is held.
    pub(super) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            tokio::pin!(emptied);
            // Registered before looking, so that what happens in between is not missed.
            emptied.as_mut().enable();
            if self.leases.lock().is_empty() {
                return;
            }
            emptied.await;
        }
    }
}
