//! What the loops of one worker share.

use std::sync::Arc;

use sqlx::postgres::PgConnectOptions;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::Result;
use crate::job::{Ack, JobId, LeaseNumber};
use crate::queue::Queue;
use crate::redis::{Conn, Redis};
use crate::worker::held::Held;
use crate::worker::link::Link;
use crate::worker::telling::Told;

/// What the loops of one worker share.
pub(super) struct Shared {
    pub(super) queue: Queue,
    /// The worker's name and a ULID of its own for this start.
    pub(super) incarnation: String,
    pub(super) held: Held,
    /// One for each job that may run at once.
    pub(super) slots: Arc<Semaphore>,
    /// Answers on their way to the database.
    pub(super) answers: mpsc::UnboundedSender<Ack>,
    /// Jobs of which Redis is to be told, where there is one.
    telling: Option<mpsc::UnboundedSender<Told>>,
    /// New jobs may wait.
    pub(super) work: Notify,
    /// Jobs were added that Redis does not have yet.
    pub(super) added: Notify,
    /// Lease nothing more.
    pub(super) stop: CancellationToken,
    /// No more answers will come.
    pub(super) drained: CancellationToken,
    /// All answers are written.
    pub(super) acked: CancellationToken,
    options: Arc<PgConnectOptions>,
}

impl Shared {
    pub(super) fn new(
        queue: Queue,
        name: &str,
        answers: mpsc::UnboundedSender<Ack>,
        telling: Option<mpsc::UnboundedSender<Told>>,
        stop: CancellationToken,
    ) -> Self {
        let incarnation = format!("{name}-{}", ulid::Ulid::generate());
        let options = (*queue.pool().connect_options()).clone();
        let options = options.application_name(&application_name(name));
        Self {
            slots: Arc::new(Semaphore::new(queue.settings().concurrency)),
            queue,
            incarnation,
            held: Held::default(),
            answers,
            telling,
            work: Notify::new(),
            added: Notify::new(),
            stop,
            drained: CancellationToken::new(),
            acked: CancellationToken::new(),
            options: Arc::new(options),
        }
    }

    pub(super) fn link(&self, doing: &'static str) -> Link {
        Link::new(self.options.clone(), doing, self.queue.settings())
    }

    pub(super) fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// A connection to Redis, where the queue has one.
    pub(super) fn redis_conn(&self) -> Result<Option<Conn>> {
        self.queue.redis().map(Redis::conn).transpose()
    }

    /// A job was settled without an answer from this worker: its handler acked it.
    pub(super) fn settled(&self, job: JobId, lease: LeaseNumber) {
        self.held.settle(lease);
        self.slots.add_permits(1);
        self.tell(job, lease, false);
    }

    /// What became of a job is committed; `known` if it was by this worker's own loop.
    pub(super) fn tell(&self, job: JobId, lease: LeaseNumber, known: bool) {
        if let Some(telling) = &self.telling {
            // Nobody listens when the worker is being torn down; the lease expires.
            let _ = telling.send(Told { job, lease, known });
        }
    }

    /// A job has been answered; its slot is free once the answer is committed.
    pub(super) fn answer(&self, ack: Ack) {
        let JobId(job) = ack.job;
        if self.answers.send(ack).is_err() {
            // Only when the worker is being torn down; the job's lease is given up or expires.
            tracing::warn!(job, "an answer came too late to be written down");
        }
    }
}

/// The most bytes of an application name that Postgres keeps.
const APPLICATION_NAME_BYTES: usize = 63;

fn application_name(worker: &str) -> String {
    let mut name = format!("trueup {worker}");
    name.truncate(name.floor_char_boundary(APPLICATION_NAME_BYTES));
    name
}
