//! What leases jobs and has them handled.

use std::sync::Arc;

use apalis_core::worker::context::WorkerContext;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::job::LeaseNumber;
use crate::postgres;
use crate::queue::Queue;
use crate::redis::orphans::give_back;
use crate::redis::trouble::Trouble;
use crate::worker::apart::apart;
use crate::worker::engine::engine;
use crate::worker::handler::Handler;
use crate::worker::link::{Link, within};
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
mod pushing;
mod service;
mod shared;
mod source;
mod telling;

const LEASING: &str = "leasing";
const ACKING: &str = "acking";
const TELLING: &str = "telling";

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
        tokio::select! {
            opened = self.open_queue() => opened?,
            () = shutdown.cancelled() => return Ok(()),
        }
        let grace = self.queue.settings().drain_grace;
        let (answers, written) = mpsc::unbounded_channel();
        let stop = shutdown.child_token();
        let (telling, told) = mpsc::unbounded_channel();
        let telling = self.queue.redis().is_some().then_some(telling);
        let shared = Arc::new(Shared::new(self.queue, &self.name, answers, telling, stop));
        let (batches, leased) = mpsc::channel(batches_in_channel(&shared));
        tracing::info!(worker = shared.incarnation, "the worker starts");

        let mut loops = Loops::new(shared.stop.clone());
        loops.start(LEASING, leasing::run(shared.clone(), batches));
        loops.start(ACKING, acking::run(shared.clone(), written));
        loops.start("keeping", apart("keeping", keeping::run(shared.clone())));
        loops.start("listening", listening::run(shared.clone()));
        let mut to_flush = vec![LEASING, ACKING];
        if let (Some(to_push), Some(to_tell)) = (shared.redis_conn()?, shared.redis_conn()?) {
            loops.start("pushing", pushing::run(shared.clone(), to_push));
            loops.start(TELLING, telling::run(shared.clone(), to_tell, told));
            to_flush.push(TELLING);
        }

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
        let flushed = async {
            loops.until_ended(&[LEASING, ACKING]).await?;
            shared.acked.cancel();
            loops.until_ended(&to_flush).await
        };
        match timeout(grace, flushed).await {
            Ok(ended) => ended?,
            Err(_) => tracing::warn!(worker = shared.incarnation, "answers were not written within {grace:?}"),
        }
        give_up(&shared).await;
        Ok(())
    }
}

impl<H> Worker<H> {
    /// Who cannot be reached yet is waited for, as by every loop.
    async fn open_queue(&self) -> Result<()> {
        let options = self.queue.pool().connect_options();
        let mut link = Link::new(options, "looking which engine its jobs go through", self.queue.settings());
        loop {
            match self.queue.open().await {
                Err(Error::Database(error)) => link.failed(error).await?,
                opened => return opened,
            }
        }
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
    match within(shared.queue.settings().lease, release(shared, &held)).await {
        Ok(jobs) => tracing::info!(worker = shared.incarnation, jobs, "held jobs were given up"),
        Err(error) => tracing::warn!(
            worker = shared.incarnation,
            %error,
            "held jobs could not be given up; their leases expire instead"
        ),
    }
}

async fn release(shared: &Shared, held: &[LeaseNumber]) -> Result<u64, Trouble> {
    let mut link = shared.link("giving leases up");
    let conn = link.conn().await?;
    let (Some(engine), Ok(Some(mut redis))) = (shared.queue.redis(), shared.redis_conn()) else {
        return Ok(postgres::release::release(conn, held).await?);
    };
    crate::redis::reap::release(conn, held).await?;
    engine.forget(held);
    Ok(give_back(conn, &mut redis).await? as u64)
}
