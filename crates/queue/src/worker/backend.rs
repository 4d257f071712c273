//! The queue as apalis sees it.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use apalis_core::backend::codec::Codec;
use apalis_core::backend::finalize::Durable;
use apalis_core::backend::{Backend, BackendConfig, WireFormatBackend};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use tokio::sync::mpsc;
use tokio_util::sync::PollSemaphore;

use crate::job::JobId;
use crate::leased::Leased;
use crate::settings::Settings;
use crate::worker::acks::AckLayer;
use crate::worker::shared::Shared;

/// Hands out the jobs that the leasing loop has fetched, as many at a time as there are free slots. Leasing, acking
/// and heartbeats are loops of their own; nothing here waits for the database.
pub(super) struct QueueBackend {
    shared: Arc<Shared>,
    batches: mpsc::Receiver<Vec<Leased>>,
    batch: std::vec::IntoIter<Leased>,
    slots: PollSemaphore,
    /// Whether a slot is taken for the next job.
    slot: bool,
    codec: RowCodec,
}

impl QueueBackend {
    pub(super) fn new(shared: Arc<Shared>, batches: mpsc::Receiver<Vec<Leased>>) -> Self {
        let slots = PollSemaphore::new(shared.slots.clone());
        Self { shared, batches, batch: Vec::new().into_iter(), slots, slot: false, codec: RowCodec }
    }
}

impl Backend for QueueBackend {
    type Task = Task<Leased>;
    type Error = Infallible;

    fn poll_ready(&mut self, cx: &mut Context<'_>, _worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        if !self.slot {
            match ready!(self.slots.poll_acquire(cx)) {
                // Given back when the job is settled, which may be long after its future is gone.
                Some(permit) => permit.forget(),
                None => return Poll::Pending,
            }
            self.slot = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _worker: &WorkerContext) -> Poll<Option<Result<Self::Task, Infallible>>> {
        loop {
            for row in self.batch.by_ref() {
                // A lease that was lost while the job waited here is another worker's to run.
                if self.shared.held.holds(row.lease) {
                    self.slot = false;
                    let id = row.id.0.unsigned_abs();
                    let task = TaskBuilder::new(row).task_id(TaskId::from_int(id)).build();
                    return Poll::Ready(Some(Ok(task)));
                }
            }
            match ready!(self.batches.poll_recv(cx)) {
                Some(batch) => self.batch = batch.into_iter(),
                // The leasing loop has ended. The worker is stopped through its context; an end of the stream would
                // leave apalis waiting for that anyway.
                None => return Poll::Pending,
            }
        }
    }

    fn poll_close(&mut self, _cx: &mut Context<'_>, _worker: &WorkerContext) -> Poll<Result<(), Infallible>> {
        // Answers and leases outlive the backend: the worker flushes the ones and gives up the others.
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for QueueBackend {
    type Args = Leased;
    type Id = JobId;
    type Kind = Durable;
    type Config = Settings;
    type Layer = AckLayer;

    fn config(&self) -> &Settings {
        self.shared.queue.settings()
    }

    fn middleware(&mut self, _worker: &mut WorkerContext) -> AckLayer {
        AckLayer::new(self.shared.clone())
    }
}

impl WireFormatBackend for QueueBackend {
    type Codec = RowCodec;
    type Compact = Leased;

    fn codec(&self) -> &RowCodec {
        &self.codec
    }
}

/// The wire format is the row itself. Rows are decoded by the service behind the layers and not here: to apalis a
/// codec's error is the backend's and ends the worker, while a row that means nothing is the end of one job only.
pub(super) struct RowCodec;

impl Codec<Leased> for RowCodec {
    type Error = Infallible;
    type Compact = Leased;

    fn encode(&self, row: &Leased) -> Result<Leased, Infallible> {
        Ok(row.clone())
    }

    fn decode(&self, row: &Leased) -> Result<Leased, Infallible> {
        Ok(row.clone())
    }
}
