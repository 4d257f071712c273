//! A chain with loans, databases with their rows, and the program `trueup` between the two.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use sqlx::{PgPool, Row};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::contestant::Contestant;
use crate::postgres::Postgres;
use crate::usage::{self, Usage};
use crate::{loans, role};

/// The database that each run's is a copy of.
const TEMPLATE: &str = "world";
/// The chain is ours: nobody else's limit is to be kept.
const CALLS_PER_SECOND: u32 = 5_000;
/// How long a sweep may take.
const SWEEP_LIMIT: Duration = Duration::from_secs(1_800);
/// How often a running sweep's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// `trueup run` ends so when drift was found that it did not repair.
const DRIFT_FOUND: i32 = 3;

/// What the devnet says of itself.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) contract: String,
    passphrase: String,
}

/// All of it. The devnet ends with it.
pub(crate) struct World {
    pub(crate) postgres: Postgres,
    pub(crate) place: Place,
    pub(crate) loans: u64,
    folder: TempDir,
    _devnet: Contestant,
}

/// A sweep that is finished.
pub(crate) struct Sweep {
    /// From the opened run to the written report, by the database's clock.
    pub(crate) took: Duration,
    pub(crate) entities: u64,
    pub(crate) in_sync: u64,
    pub(crate) drifted: u64,
    pub(crate) repaired: u64,
    pub(crate) ledger_calls: u64,
    /// What trueup itself counts: the statements of the reconciliation, without the queue's.
    pub(crate) statements: u64,
    pub(crate) usage: Usage,
}

impl World {
    /// That many loans on both sides, with that latency between chain and reader.
    pub(crate) async fn start(postgres: Postgres, loans: u64, latency_ms: u64) -> anyhow::Result<Self> {
        let mut devnet = Contestant::start("the devnet", role::command("devnet", &[&loans.to_string(), &latency_ms.to_string()])?)?;
        let place: Place = serde_json::from_str(&devnet.ready().await?).context("the devnet's address")?;
        devnet.go().await?;
        let pool = postgres.create(TEMPLATE).await?;
        loans::fill(&pool, loans).await?;
        pool.close().await;
        let folder = tempfile::Builder::new().prefix("trueup-bench-").tempdir()?;
        std::fs::write(folder.path().join("loan.toml"), loans::SPEC.replace("${LENDING_CONTRACT}", &place.contract))?;
        Ok(Self { postgres, place, loans, folder, _devnet: devnet })
    }

    /// A fresh database in which everything is in sync.
    pub(crate) async fn copy(&self, database: &str) -> anyhow::Result<PgPool> {
        self.postgres.copy(TEMPLATE, database).await
    }

    /// `trueup` with the configuration of that database; `more` are lines of its file.
    pub(crate) fn trueup(&self, database: &str, more: &str) -> anyhow::Result<Command> {
        let file = self.folder.path().join(format!("{database}.toml"));
        write_config(&file, &self.postgres.url(database), &self.place, self.folder.path(), more)?;
        let mut command = role::trueup()?;
        command.arg("--config").arg(file).stdin(Stdio::null()).kill_on_drop(true);
        Ok(command)
    }

    /// One full sweep by a `trueup run` of its own, in that mode, to its end.
    pub(crate) async fn sweep(&self, database: &str, mode: &str) -> anyhow::Result<Sweep> {
        self.sweep_with(database, mode, "").await
    }

    /// The same, with more lines of configuration.
    pub(crate) async fn sweep_with(&self, database: &str, mode: &str, more: &str) -> anyhow::Result<Sweep> {
        self.run(database, more, &["--full", "--mode", mode]).await
    }

    /// A sweep that passes over what has not moved since the one before.
    pub(crate) async fn sweep_incrementally(&self, database: &str, mode: &str) -> anyhow::Result<Sweep> {
        self.run(database, "", &["--mode", mode]).await
    }

    async fn run(&self, database: &str, more: &str, how: &[&str]) -> anyhow::Result<Sweep> {
        let mut command = self.trueup(database, more)?;
        command.args(["run", "--new", "--json"]).args(how).stdout(Stdio::piped());
        let used_before = usage::of_ended_children();
        let child = command.spawn().context("cannot start trueup")?;
        let pid = child.id().context("it has just been started")?;
        let ended = timeout(SWEEP_LIMIT, watched(pid, child.wait_with_output()));
        let (output, peak_kib) = ended.await.with_context(|| format!("not done within {} s", SWEEP_LIMIT.as_secs()))?;
        let output = output?;
        let code = output.status.code();
        ensure!(matches!(code, Some(0 | DRIFT_FOUND)), "`trueup run` ended with {code:?}: {}", String::from_utf8_lossy(&output.stdout));
        let cpu_millis = usage::of_ended_children() - used_before;
        Sweep::of(&output.stdout, Usage { cpu_millis, peak_kib })
    }
}

/// The output, and the most memory that the process was seen to hold.
async fn watched<T>(pid: u32, ended: impl Future<Output = T>) -> (T, u64) {
    let mut seen = 0;
    tokio::pin!(ended);
    loop {
        tokio::select! {
            output = &mut ended => return (output, seen),
            () = tokio::time::sleep(LOOK_EVERY) => seen = usage::of(pid).map_or(seen, |usage| usage.peak_kib.max(seen)),
        }
    }
}

/// Waits until a process that was told to stop is gone, and kills it if it does not go.
pub(crate) async fn stop(mut child: Child, limit: Duration) -> anyhow::Result<()> {
    if let Some(pid) = child.id() {
        Command::new("kill").args(["-TERM", &pid.to_string()]).status().await?;
    }
    if timeout(limit, child.wait()).await.is_err() {
        child.kill().await?;
    }
    Ok(())
}

fn write_config(file: &Path, database: &str, place: &Place, specs: &Path, more: &str) -> anyhow::Result<()> {
    let specs = specs.join("loan.toml");
    let text = format!(
        "database_url = {database:?}\nrpc_url = {:?}\nnetwork_passphrase = {:?}\nspecs = [{:?}]\nrpc_calls_per_second = {CALLS_PER_SECOND}\n{more}\n",
        place.url,
        place.passphrase,
        specs.display().to_string(),
    );
    // Whole or not at all: a process that was started before may be reading it.
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, text).and_then(|()| std::fs::rename(&fresh, file)).with_context(|| format!("cannot write {}", file.display()))
}

/// The part of the report's document that is looked at.
#[derive(Deserialize)]
struct Report {
    run: RunPart,
    kinds: std::collections::BTreeMap<String, KindPart>,
    usage: std::collections::BTreeMap<String, u64>,
}

#[derive(Deserialize)]
struct RunPart {
    duration_ms: u64,
    partial: bool,
}

#[derive(Deserialize)]
struct KindPart {
    entities: u64,
    verdicts: std::collections::BTreeMap<String, u64>,
    repairs: std::collections::BTreeMap<String, u64>,
}

impl Sweep {
    fn of(json: &[u8], usage: Usage) -> anyhow::Result<Self> {
        let report: Report = serde_json::from_slice(json).context("the report of `trueup run --json`")?;
        ensure!(!report.run.partial, "the report is partial");
        let loan = report.kinds.get("loan").context("the report has no loans")?;
        let of = |map: &std::collections::BTreeMap<String, u64>, name: &str| map.get(name).copied().unwrap_or_default();
        Ok(Self {
            took: Duration::from_millis(report.run.duration_ms),
            entities: loan.entities,
            in_sync: of(&loan.verdicts, "in_sync"),
            drifted: of(&loan.verdicts, "drifted"),
            repaired: of(&loan.repairs, "repaired"),
            ledger_calls: of(&report.usage, "getLedgerEntries"),
            statements: of(&report.usage, "sql_statements"),
            usage,
        })
    }

    /// Whether every loan was judged, and as many were found to drift as do.
    pub(crate) fn check(&self, loans: u64, drifted: u64) -> anyhow::Result<()> {
        ensure!(
            self.entities == loans && self.drifted == drifted && self.in_sync == loans - drifted,
            "of {loans} loans, {drifted} drifted: {} were looked at, {} in sync, {} drifted",
            self.entities,
            self.in_sync,
            self.drifted
        );
        Ok(())
    }
}

/// Lets every hundredth loan drift; returns how many.
pub(crate) async fn drift(pool: &PgPool) -> anyhow::Result<u64> {
    let update = "UPDATE loans SET remaining_balance = remaining_balance + 1 WHERE loan_id::bigint % 100 = 1";
    let drifted = sqlx::query(update).execute(pool).await?.rows_affected();
    settle(pool).await?;
    Ok(drifted)
}

/// Lets what was written come to rest, so that nobody who is measured does that work.
pub(crate) async fn settle(pool: &PgPool) -> anyhow::Result<()> {
    sqlx::raw_sql("VACUUM ANALYZE").execute(pool).await?;
    sqlx::raw_sql("CHECKPOINT").execute(pool).await?;
    Ok(())
}

/// How many loans are not as [`loans::fill`] made them.
pub(crate) async fn still_drifted(pool: &PgPool) -> anyhow::Result<i64> {
    let query = "SELECT count(*) FROM loans WHERE status <> 'completed' AND remaining_balance <> amount - loan_id::bigint % 1000";
    Ok(sqlx::query(query).fetch_one(pool).await?.try_get(0)?)
}
