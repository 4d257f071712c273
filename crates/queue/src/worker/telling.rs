//! The loop that tells Redis what was committed. A queue on Postgres alone has none.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::Error;
use crate::job::{JobId, LeaseNumber};
use crate::redis::Conn;
use crate::worker::link::within;
use crate::worker::shared::Shared;

/// How many jobs one step tells of at most.
const JOBS_PER_STEP: usize = 2_000;

/// A job that needs its lease no more.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) job: JobId,
    pub(super) lease: LeaseNumber,
    /// Whether the worker itself has committed the ack, so that it knows what became of it.
    pub(super) known: bool,
}

/// Tells until no more acks come. What Redis cannot be told now is found there once its lease has expired: nothing is
/// kept for later.
pub(super) async fn run(shared: Arc<Shared>, mut redis: Conn, mut acked: mpsc::UnboundedReceiver<Told>) -> Result<(), Error> {
    let mut link = shared.link("telling Redis what is done");
    let mut jobs = Vec::with_capacity(JOBS_PER_STEP);
    loop {
        tokio::select! {
            biased;
            received = acked.recv_many(&mut jobs, JOBS_PER_STEP) => if received == 0 { return Ok(()) },
            () = shared.acked.cancelled() => return Ok(()),
        }
        let Some(engine) = shared.queue.redis() else { return Ok(()) };
        let told: Vec<_> = jobs.drain(..).map(|told: Told| (told.job, told.lease, told.known)).collect();
        let result = within(shared.queue.settings().lease, async { engine.settle(link.conn().await?, &mut redis, &told).await }).await;
        match result {
            Ok(()) => {
                link.fine();
            }
            Err(trouble) => {
                tracing::debug!(jobs = told.len(), %trouble, "Redis could not be told; it is once their leases have expired");
                link.bear(trouble).await?;
            }
        }
    }
}
