//! What more workers bring where the RPC is the wait.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use sqlx::{PgPool, Row};
use tokio::process::Child;
use tokio::time::timeout;

use crate::arguments::Size;
use crate::postgres::Postgres;
use crate::samples::{Samples, grouped, per_second};
use crate::table::Section;
use crate::world::{self, World};

const LATENCY_MS: u64 = 50;
const WORKERS: [usize; 3] = [1, 2, 4];
/// How many calls one worker has in flight: few, so that it waits for the RPC and not for the machine.
const CALLS_IN_FLIGHT: usize = 1;
const RUN: &str = "measured";
const RUN_LIMIT: Duration = Duration::from_secs(600);
const STOP_LIMIT: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) async fn measure(size: &Size) -> anyhow::Result<Section> {
    let world = World::start(Postgres::start().await?, size.scaling_entities, LATENCY_MS).await?;
    let mut rates: [Samples; WORKERS.len()] = Default::default();
    for run in 0..size.runs {
        for step in 0..WORKERS.len() {
            let index = (step + run) % WORKERS.len();
            rates[index].push(once(&world, WORKERS[index]).await?);
        }
        eprintln!("scaling, run {} of {}", run + 1, size.runs);
    }
    Ok(shown(&rates, size))
}

async fn once(world: &World, workers: usize) -> anyhow::Result<u64> {
    let pool = world.copy(RUN).await?;
    let mut children = Vec::with_capacity(workers + 1);
    for _ in 0..workers {
        children.push(start(world, "worker")?);
    }
    children.push(start(world, "scheduler")?);
    until_connected(&pool, children.len()).await?;
    let opened = world.trueup(RUN, &limits())?.args(["run", "--new", "--full", "--detach"]).stdout(Stdio::null()).status().await?;
    ensure!(opened.success(), "`trueup run --detach` ended with {opened}");
    let took =
        timeout(RUN_LIMIT, until_reported(&pool, world.loans)).await.with_context(|| format!("{workers} workers take too long"))??;
    for child in children {
        world::stop(child, STOP_LIMIT).await?;
    }
    world.postgres.drop(RUN, pool).await?;
    Ok(per_second(world.loans, took))
}

fn limits() -> String {
    format!("rpc_calls_in_flight = {CALLS_IN_FLIGHT}\n[worker]\ntick_ms = 50")
}

fn start(world: &World, role: &str) -> anyhow::Result<Child> {
    let mut command = world.trueup(RUN, &limits())?;
    command.arg(role).env("RUST_LOG", "error").stdout(Stdio::null());
    command.spawn().with_context(|| format!("cannot start `trueup {role}`"))
}

/// Every process listens once it is set up.
async fn until_connected(pool: &PgPool, processes: usize) -> anyhow::Result<()> {
    let connected = async {
        loop {
            let query =
                "SELECT count(DISTINCT client_port) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
            let connections: i64 = sqlx::query_scalar(query).fetch_one(pool).await?;
            if usize::try_from(connections)? >= processes * CONNECTIONS_WHEN_READY {
                return anyhow::Ok(());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    timeout(RUN_LIMIT, connected).await.context("the workers do not connect")?
}

/// Each holds at least so many connections once it works.
const CONNECTIONS_WHEN_READY: usize = 2;

/// From the opened run to its report, by the database's clock.
async fn until_reported(pool: &PgPool, loans: u64) -> anyhow::Result<Duration> {
    loop {
        let query = "SELECT coalesce((in_sync ->> 'loan')::bigint, 0), (extract(epoch FROM finished_at - opened_at) * 1000000)::bigint
             FROM trueup.runs WHERE phase = 'done'";
        if let Some(row) = sqlx::query(query).fetch_optional(pool).await? {
            let (synced, micros): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            ensure!(u64::try_from(synced)? == loans, "{synced} of {loans} entities are in sync");
            return Ok(Duration::from_micros(u64::try_from(micros)?));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn shown(rates: &[Samples; WORKERS.len()], size: &Size) -> Section {
    let title = format!(
        "scaling: {} entities, {LATENCY_MS} ms to the RPC, {CALLS_IN_FLIGHT} call in flight for each worker",
        grouped(size.scaling_entities)
    );
    let mut section = Section::new(title, &["workers", "entities/s, median", "least to most", "over one worker", "bar"]);
    for (index, workers) in WORKERS.iter().enumerate() {
        let bar = if *workers == 2 { "1.80" } else { "-" };
        let cells =
            [workers.to_string(), rates[index].shown(), rates[index].spread(), rates[index].over(&rates[0]).ratio(), bar.to_owned()];
        section.row(cells.to_vec());
    }
    section
}
