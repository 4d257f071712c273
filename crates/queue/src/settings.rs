//! The limits of a queue and its workers.

use std::time::Duration;

use crate::Error;
use crate::redis::RedisSettings;

/// The limits of a queue and its workers, each with its unit. [`Settings::default`] suits a service; tests shorten
/// what they wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where jobs wait: in Redis here, or in Postgres if there is none. Every process of a database must say the same.
    pub redis: Option<RedisSettings>,
    /// How many handlers run at once in one worker. High, because handlers mostly wait for batched reads.
    pub concurrency: usize,
    /// How many jobs one lease holds at most.
    pub batch: usize,
    /// How many batches a worker leases ahead of the handlers at most.
    pub batches_ahead: usize,
    /// How many bulky jobs ([`NewJob::BULKY`](crate::NewJob::BULKY)) a worker holds at most, at work or waiting for it.
    pub bulky_held: usize,
    /// How many of the jobs that a vanished worker held are tried together at first, with nothing else beside them.
    /// If their process vanishes too, each is tried alone, and only that counts against a job. With 1 each is alone
    /// from the start: a job that kills its process is found one lease earlier, but the thousands that merely shared
    /// a killed process run one after the other.
    pub suspects_together: usize,
    /// How many answers one transaction commits at most.
    pub acks_per_commit: usize,
    /// How long a lease lives without a heartbeat. Together with `reap_every` this bounds how long the jobs of a
    /// killed worker wait.
    pub lease: Duration,
    /// How often a worker extends its leases. At most a third of `lease`, so that two lost beats are survived.
    pub heartbeat_every: Duration,
    /// How often a worker looks for leases that have expired, its own or another's.
    pub reap_every: Duration,
    /// How often an idle worker looks for jobs when no notification wakes it.
    pub poll_every: Duration,
    /// How many tries of a job may fail, or how often its process may die while it runs alone, before it is dead.
    pub max_failures: i32,
    /// The delay after the first failure; it doubles with each further one and is jittered down to half.
    pub backoff_base: Duration,
    /// The longest delay between two tries.
    pub backoff_cap: Duration,
    /// How long a worker that was told to stop lets its handlers finish before it releases what they hold.
    pub drain_grace: Duration,
    /// How long the database may fail without a break before the worker gives up and its run ends in an error.
    pub unreachable_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            redis: None,
            concurrency: 4_000,
            batch: 500,
            batches_ahead: 3,
            bulky_held: 6,
            suspects_together: 32,
            acks_per_commit: 1_000,
            lease: Duration::from_secs(20),
            heartbeat_every: Duration::from_secs(5),
            reap_every: Duration::from_secs(2),
            poll_every: Duration::from_secs(1),
            max_failures: 5,
            backoff_base: Duration::from_secs(2),
            backoff_cap: Duration::from_secs(600),
            drain_grace: Duration::from_secs(20),
            unreachable_after: Duration::from_secs(60),
        }
    }
}

/// The shortest time after which a transaction that stands still is ended, however short leases are.
const STANDSTILL_FLOOR: Duration = Duration::from_secs(2);

impl Settings {
    /// How long a transaction may stand still before the database ends it: half a lease, and no less than two seconds.
    ///
    /// A process that is frozen, or cut off, in the midst of a transaction keeps the locks that this took: on its jobs,
    /// so that they cannot be taken over, on its run, which every ack of the run needs, and on rows of the application.
    /// With this they are free before its leases expire.
    #[must_use]
    pub fn standstill(&self) -> Duration {
        (self.lease / 2).max(STANDSTILL_FLOOR)
    }

    /// Refuses settings under which a worker could not work.
    ///
    /// # Errors
    /// [`Error::Settings`] names the setting and what it must be.
    pub fn validate(&self) -> Result<(), Error> {
        let counts = [
            ("concurrency", self.concurrency),
            ("batch", self.batch),
            ("batches_ahead", self.batches_ahead),
            ("suspects_together", self.suspects_together),
            ("acks_per_commit", self.acks_per_commit),
        ];
        for (name, count) in counts {
            if count == 0 {
                return Err(Error::Settings(format!("{name} must be at least 1")));
            }
        }
        if self.concurrency > tokio::sync::Semaphore::MAX_PERMITS {
            return Err(Error::Settings("concurrency is too large".to_owned()));
        }
        if self.max_failures < 1 {
            return Err(Error::Settings("max_failures must be at least 1".to_owned()));
        }
        let periods = [
            ("lease", self.lease),
            ("heartbeat_every", self.heartbeat_every),
            ("reap_every", self.reap_every),
            ("poll_every", self.poll_every),
        ];
        for (name, period) in periods {
            if period < Duration::from_millis(1) {
                return Err(Error::Settings(format!("{name} must be at least 1 ms")));
            }
        }
        if self.heartbeat_every * 3 > self.lease {
            return Err(Error::Settings(format!(
                "heartbeat_every ({:?}) must be at most a third of lease ({:?})",
                self.heartbeat_every, self.lease
            )));
        }
        Ok(())
    }
}

/// The smallest share of a delay that jitter leaves, in percent: retries of jobs that failed together spread over
/// the upper half of their delay.
pub(crate) const JITTER_FLOOR_PERCENT: i64 = 50;

/// Doubling stops here; the cap holds long before.
pub(crate) const MAX_DOUBLINGS: i32 = 30;

/// Whole milliseconds, as the SQL statements take their delays.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
