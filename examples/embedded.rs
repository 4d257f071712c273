//! A service that embeds trueup: scheduler and worker in its own tokio runtime, beside its own work.
//!
//! `DATABASE_URL`, `TRUEUP_RPC_URL`, `TRUEUP_NETWORK_PASSPHRASE` and `TRUEUP_SPECS` say where everything is. It
//! starts one detect run, waits for its report, prints what it found, and stops.

use std::time::Duration;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;
use trueup::{Config, Mode, NewRun, Trueup};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::from_environment()?;
    let trueup = Trueup::connect(&config).await?;
    let shutdown = CancellationToken::new();
    let worker = tokio::spawn(trueup.clone().worker("embedded", shutdown.clone()));
    let scheduler = tokio::spawn(trueup.clone().scheduler(config.schedules()?, shutdown.clone()));

    let new = NewRun { origin: "embedded".into(), mode: Mode::Detect, timeout_secs: 600, ..NewRun::default() };
    let run = trueup.run(new).await?;
    let report = loop {
        if let Some(report) = trueup.report(run).await? {
            break report;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    println!("run {run}: {} of {} entities drifted", report.drifted(), report.kinds.values().map(|kind| kind.entities).sum::<u64>());

    shutdown.cancel();
    worker.await.context("the worker panicked")??;
    scheduler.await.context("the scheduler panicked")??;
    Ok(())
}
