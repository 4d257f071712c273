//! The long-running roles.

use anyhow::Context as _;
use clap::Args;
use tokio_util::sync::CancellationToken;
use trueup_workers::{Schedule, Touching};

use super::{Exit, signal};
use crate::{Config, Trueup};

/// What a worker is called.
#[derive(Args)]
pub(crate) struct WorkerArguments {
    /// What this replica is called in leases and logs; need not be unique
    #[arg(long, default_value = "worker", env = "TRUEUP_WORKER_NAME")]
    name: String,
}

pub(super) async fn worker(config: &Config, arguments: WorkerArguments) -> anyhow::Result<Exit> {
    let shutdown = signal::shutdown()?;
    let trueup = Trueup::connect(config).await?;
    tracing::info!(kinds = trueup.context().kinds().len(), "the worker is ready");
    trueup.worker(&arguments.name, shutdown).await?;
    Ok(Exit::Clean)
}

pub(super) async fn scheduler(config: &Config) -> anyhow::Result<Exit> {
    let shutdown = signal::shutdown()?;
    let schedules = config.schedules()?;
    let touching = config.touching()?;
    warn_if_idle(config);
    let trueup = Trueup::connect(config).await?;
    tracing::info!(schedules = schedules.len(), "the scheduler is ready");
    with_scheduler(trueup, schedules, touching, shutdown).await?;
    Ok(Exit::Clean)
}

pub(super) async fn all(config: &Config, arguments: WorkerArguments) -> anyhow::Result<Exit> {
    let shutdown = signal::shutdown()?;
    let schedules = config.schedules()?;
    let touching = config.touching()?;
    warn_if_idle(config);
    let trueup = Trueup::connect(config).await?;
    tracing::info!(kinds = trueup.context().kinds().len(), schedules = schedules.len(), "scheduler and worker are ready");
    let worker = trueup.clone().worker(&arguments.name, shutdown.clone());
    let scheduler = with_scheduler(trueup, schedules, touching, shutdown.clone());
    both(worker, scheduler, &shutdown).await?;
    Ok(Exit::Clean)
}

/// Whoever starts runs also keeps the events at hand that they rest on, and collects touches, in tasks of their own.
async fn with_scheduler(trueup: Trueup, schedules: Vec<Schedule>, touching: Touching, shutdown: CancellationToken) -> anyhow::Result<()> {
    let stop = shutdown.child_token();
    let events = tokio::spawn(trueup.clone().events(stop.clone()));
    let toucher = tokio::spawn(trueup.clone().toucher(touching, stop.clone()));
    let ended = trueup.scheduler(schedules, shutdown).await;
    stop.cancel();
    ended.and(events.await.context("reading events")).and(toucher.await.context("collecting touches"))
}

fn warn_if_idle(config: &Config) {
    if config.schedule.is_empty() {
        tracing::warn!("no [[schedule]] is configured: only runs that are started otherwise (`trueup run`) and touches will be worked on");
    }
}

/// Runs two roles until both have stopped. One that fails stops the other, and its error is the result.
pub(super) async fn both(
    first: impl Future<Output = anyhow::Result<()>>,
    second: impl Future<Output = anyhow::Result<()>>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let stopping = |result: anyhow::Result<()>| {
        if result.is_err() {
            shutdown.cancel();
        }
        result
    };
    let (first, second) = tokio::join!(async { stopping(first.await) }, async { stopping(second.await) });
    first.and(second)
}
