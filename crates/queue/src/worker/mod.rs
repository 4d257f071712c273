//! What leases jobs and has them handled.

use std::sync::Arc;

use apalis_core::worker::context::WorkerContext;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::postgres::Queue;
use crate::postgres::release::release;
use crate::worker::apart::apart;
use crate::worker::engine::engine;
use crate::worker::handler::Handler;
use crate::worker::link::within;
use crate::worker::loops::Loops;
use crate::worker::shared::Shared;
use crate::{Error, Result};

mod acking;
mod acks;
mod apart;
mod backend;
mod engine;
pub(crate) mod handler;
mod held;
mod keeping;
mod leasing;
mod link;
mod listening;
mod loops;
mod service;
mod shared;

const LEASING: &str = "leasing";
const ACKING: &str = "acking";

/// Leases jobs of all tasks and groups, most urgent first, and has them handled, many at a time.
///
/// Its loops (leasing, acking, heartbeat, takeover, listening) have a connection each, apart from the queue's pool,
/// so that handlers that use the pool to its limit cannot cost the worker its leases. Heartbeat and takeover have a
/// thread of their own besides, so that handlers that hold all threads of the runtime cannot either.
#[derive(Debug)]
pub struct Worker<H> {
    queue: Queue,
    name: String,
    handler: H,
}

impl<H: Handler> Worker<H> {
    /// A worker of this queue. The name is for people; two workers may share one.
    pub fn new(queue: Queue, name: impl Into<String>, handler: H) -> Self {
        Self { queue, name: name.into(), handler }
    }

    /// Works until `shutdown` is cancelled; then leases nothing more, lets the handlers finish within
    /// [`drain_grace`](crate::Settings::drain_grace), writes their answers down and gives up what it still holds.
    ///
    /// Dropping the future instead is what a kill is: its leases expire, and another worker takes its jobs over.
    ///
    /// # Errors
    /// The settings cannot work; or the database refuses what the worker needs, or could not be used for
    /// [`unreachable_after`](crate::Settings::unreachable_after).
    pub async fn run(self, shutdown: CancellationToken) -> Result<()> {
        self.queue.settings().validate()?;
        let grace = self.queue.settings().drain_grace;
        let (answers, written) = mpsc::unbounded_channel();
        let stop = shutdown.child_token();
        let shared = Arc::new(Shared::new(self.queue, &self.name, answers, stop));
        let (batches, leased) = mpsc::channel(batches_in_channel(&shared));
        tracing::info!(worker = shared.incarnation, "the worker starts");

        let mut loops = Loops::new(shared.stop.clone());
        loops.start(LEASING, leasing::run(shared.clone(), batches));
        loops.start(ACKING, acking::run(shared.clone(), written));
        loops.start("keeping", apart("keeping", keeping::run(shared.clone())));
        loops.start("listening", listening::run(shared.clone()));

        let context = WorkerContext::new(&self.name);
        let mut engine = engine(&context, shared.clone(), leased, self.handler);

        let ended = tokio::select! {
            biased;
            ended = &mut engine => ended,
            failure = loops.failure() => return Err(failure),
            () = shared.stop.cancelled() => {
                tracing::info!(worker = shared.incarnation, "the worker stops");
                // Cannot fail: the engine was polled above, so it has started.
                let _ = context.stop();
                tokio::select! {
                    ended = &mut engine => ended,
                    failure = loops.failure() => return Err(failure),
                    () = tokio::time::sleep(grace) => {
                        tracing::warn!(worker = shared.incarnation, "handlers are cut short after {grace:?}");
                        Ok(())
                    }
                }
            }
        };
        drop(engine);
        if let Err(error) = ended {
            return Err(Error::Stopped(format!("engine ({error})")));
        }
        if !shared.stop.is_cancelled() {
            return Err(Error::Stopped("engine".to_owned()));
        }
        shared.drained.cancel();
        match timeout(grace, loops.until_ended(&[LEASING, ACKING])).await {
            Ok(ended) => ended?,
            Err(_) => tracing::warn!(worker = shared.incarnation, "answers were not written within {grace:?}"),
        }
        give_up(&shared).await;
        Ok(())
    }
}

/// How many batches may wait in the channel: one more is in the engine's hands.
fn batches_in_channel(shared: &Shared) -> usize {
    let ahead = shared.queue.settings().batches_ahead;
    ahead.saturating_sub(1).max(1)
}

/// Makes ready again what this worker still holds. If that fails the leases expire instead.
async fn give_up(shared: &Shared) {
    let held = shared.held.numbers();
    if held.is_empty() {
        return;
    }
    let mut link = shared.link("giving leases up");
    let released = within(shared.queue.settings().lease, async { release(link.conn().await?, &held).await }).await;
    match released {
        Ok(jobs) => tracing::info!(worker = shared.incarnation, jobs, "held jobs were given up"),
        Err(error) => tracing::warn!(
            worker = shared.incarnation,
            %error,
            "held jobs could not be given up; their leases expire instead"
        ),
    }
}
