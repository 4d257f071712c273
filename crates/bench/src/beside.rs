//! What an application notices of a sweep beside it: the 99th percentile of `pgbench`, with and without.

use std::cell::Cell;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::process::Command;
use tokio::time::timeout;

use crate::arguments::Size;
use crate::job::LATENCY_MS;
use crate::machine::said;
use crate::postgres::Postgres;
use crate::samples::{Samples, grouped};
use crate::table::Section;
use crate::world::World;

const RUN: &str = "measured";
/// Transactions a second: an application that leaves the machine room.
const RATE: u64 = 100;
const CLIENTS: u64 = 4;
/// How much longer than its window `pgbench` may take.
const GRACE: Duration = Duration::from_secs(60);

/// What runs beside the application.
struct Beside {
    what: &'static str,
    /// Lines of the configuration; none: no sweep at all.
    config: Option<&'static str>,
}

/// The first is what the others are held against.
const BESIDE: [Beside; 4] = [
    Beside { what: "no sweep", config: None },
    Beside { what: "sweeps", config: Some("") },
    Beside { what: "sweeps, throttle off", config: Some("[throttle]\nenabled = false") },
    Beside { what: "sweeps, busy_beside = \"13%\"", config: Some("[throttle]\nbusy_beside = '13%'") },
];

#[derive(Default)]
struct Measured {
    p99: Samples,
    swept: Samples,
}

pub(crate) async fn measure(size: &Size) -> anyhow::Result<Vec<Section>> {
    if said("pgbench", &["--version"]).is_none() {
        println!("SKIPPED: the application beside a sweep, because there is no pgbench.");
        return Ok(Vec::new());
    }
    let world = World::start(Postgres::start().await?, size.entities, LATENCY_MS).await?;
    let pool = world.copy(RUN).await?;
    let url = world.postgres.url(RUN);
    let scale = size.application_scale.to_string();
    let filled = Command::new("pgbench").args(["--initialize", "--quiet", "--scale", &scale, &url]).stderr(Stdio::null()).status().await?;
    ensure!(filled.success(), "`pgbench --initialize` ended with {filled}");
    let mut measured: [Measured; BESIDE.len()] = Default::default();
    for run in 0..size.runs {
        for step in 0..BESIDE.len() {
            sqlx::raw_sql("CHECKPOINT").execute(&pool).await?;
            let index = (step + run) % BESIDE.len();
            let (p99, swept) = match BESIDE[index].config {
                None => (application(&url, size).await?, 0),
                Some(config) => beside_sweeps(&world, &url, config, size).await?,
            };
            measured[index].p99.push(p99);
            measured[index].swept.push(swept);
        }
        eprintln!("application, run {} of {}", run + 1, size.runs);
    }
    world.postgres.drop(RUN, pool).await?;
    Ok(vec![shown(&measured, size)])
}

/// Full sweeps one after the other for as long as the application runs; how many entities they looked at. Each is a
/// process of its own, and learns anew what its statements usually take.
async fn beside_sweeps(world: &World, url: &str, config: &str, size: &Size) -> anyhow::Result<(u64, u64)> {
    let over = Cell::new(false);
    let window = async {
        let p99 = application(url, size).await;
        over.set(true);
        p99
    };
    // The last one ends after the window and not in it, so that it leaves nothing behind for the next.
    let sweeps = async {
        let mut swept = 0;
        while !over.get() {
            let sweep = world.sweep_with(RUN, "detect", config).await?;
            sweep.check(world.loans, 0)?;
            swept += sweep.entities;
        }
        anyhow::Ok(swept)
    };
    let (p99, swept) = tokio::try_join!(window, sweeps)?;
    Ok((p99, swept))
}

/// The 99th percentile of the application's transactions, in microseconds, with the wait for their turn.
async fn application(url: &str, size: &Size) -> anyhow::Result<u64> {
    let folder = tempfile::Builder::new().prefix("trueup-pgbench-").tempdir()?;
    let log = folder.path().join("log");
    let (rate, clients, seconds) = (RATE.to_string(), CLIENTS.to_string(), size.window_secs.to_string());
    let running = Command::new("pgbench")
        .args(["--no-vacuum", "--rate", &rate, "--client", &clients, "--time", &seconds, "--log", "--log-prefix"])
        .arg(&log)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status();
    let status = timeout(Duration::from_secs(size.window_secs) + GRACE, running).await.context("pgbench does not end")??;
    ensure!(status.success(), "pgbench ended with {status}");
    let latencies = latencies(folder.path())?;
    // It draws its pauses; some fewer are chance, many fewer are a machine that cannot keep up.
    ensure!(latencies.len() as u64 >= RATE * size.window_secs / 2, "only {} transactions in {} s", latencies.len(), size.window_secs);
    Ok(percentile(latencies, 99))
}

/// The third field of each line of each log, in microseconds.
fn latencies(folder: &Path) -> anyhow::Result<Vec<u64>> {
    let mut latencies = Vec::new();
    for file in std::fs::read_dir(folder)? {
        for line in std::fs::read_to_string(file?.path())?.lines() {
            let field = line.split_whitespace().nth(2).with_context(|| format!("pgbench logged {line:?}"))?;
            latencies.push(field.parse().with_context(|| format!("pgbench logged {line:?}"))?);
        }
    }
    Ok(latencies)
}

fn percentile(mut values: Vec<u64>, percent: usize) -> u64 {
    values.sort_unstable();
    values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

fn shown(measured: &[Measured; BESIDE.len()], size: &Size) -> Section {
    let title = format!("application: pgbench at {RATE} transactions/s for {} s, p99", size.window_secs);
    let mut section = Section::new(title, &["beside it", "µs, median", "least to most", "over no sweep", "entities swept", "bar"]);
    for (Beside { what, config }, measured_beside) in BESIDE.iter().zip(measured) {
        let bar = if *config == Some("") { "1.05" } else { "-" };
        let ratio = measured_beside.p99.over(&measured[0].p99).ratio();
        let (p99, swept) = (&measured_beside.p99, grouped(measured_beside.swept.median()));
        section.row(vec![(*what).to_owned(), p99.shown(), p99.spread(), ratio, swept, bar.to_owned()]);
    }
    section.note("Ratios are of pairs within the same run. The bar is 1.05, or the spread of the measurement.");
    section.note("Devnet and trueup share the machine with Postgres and pgbench.");
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentile_is_a_value_that_was_measured() {
        assert_eq!(percentile((1..=100).rev().collect(), 99), 99);
        assert_eq!(percentile(vec![7], 99), 7);
        assert_eq!(percentile(Vec::new(), 99), 0);
    }
}
