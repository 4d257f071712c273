//! The simulator: plays whole deployments under faults, each drawn from a seed, and checks what must hold.
//! `docs/simulator.md` says what, and how to read a failure.

mod application;
mod blows;
mod check;
mod database_faults;
mod deeds;
mod deployment;
mod entry;
mod episodes;
mod kind;
mod processes;
mod redis_faults;
mod requests;
mod rows;
mod rpc_faults;
mod script;
mod seed;
mod settle;
mod signed;
mod story;
mod world;
mod wrong;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Mutex;
use trueup_sandbox::{RedisServer, Server};

use script::Engine;
use seed::{Bench, Verdict, play};

/// Wrongs of one seed that are shown.
const WRONGS_SHOWN: usize = 20;
/// Lines of its story that are shown.
const LINES_SHOWN: usize = 120;

/// Tries to break trueup.
#[derive(Parser)]
#[command(name = "trueup-sim")]
struct Arguments {
    /// Play this one seed, and tell its story
    #[arg(long, env = "SEED")]
    seed: Option<u64>,
    /// How many seeds to play
    #[arg(long, env = "SEEDS", default_value_t = 20)]
    seeds: u64,
    /// The first of them
    #[arg(long, env = "FIRST_SEED", default_value_t = 1)]
    first: u64,
    /// What jobs wait in [default: as each seed draws it]
    #[arg(long, env = "QUEUE")]
    queue: Option<Engine>,
    /// The program [default: `trueup` beside this one]
    #[arg(long)]
    program: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let simulated = tokio::select! {
        simulated = simulate(Arguments::parse()) => simulated,
        told = told_to_stop() => told.and_then(|()| anyhow::bail!("told to stop")),
    };
    match simulated {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whoever stops the simulator wants its processes gone too, which dropping them does.
async fn told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        told = tokio::signal::ctrl_c() => Ok(told?),
        _ = terminate.recv() => Ok(()),
    }
}

async fn simulate(arguments: Arguments) -> anyhow::Result<bool> {
    let program = match arguments.program {
        Some(program) => program,
        None => std::env::current_exe()?.with_file_name("trueup"),
    };
    anyhow::ensure!(program.is_file(), "there is no {}: build it, or name it by --program", program.display());
    let faketime = processes::find_faketime();
    if faketime.is_none() {
        println!("SKIPPED: clocks that are apart, because libfaketime is not installed (scripts/ensure-faketime installs it).");
    }
    let server = Server::start().await.context("no database server")?;
    let redis = RedisServer::start();
    if let Err(error) = &redis {
        anyhow::ensure!(arguments.queue != Some(Engine::Redis), "no Redis: {error}");
        println!("SKIPPED: jobs in Redis, because there is none (scripts/ensure-redis installs it).");
    }
    let bench = Bench {
        server: Arc::new(Mutex::new(server)),
        redis: redis.ok().map(|redis| Arc::new(Mutex::new(redis))),
        engine: arguments.queue,
        program,
        faketime,
        aloud: arguments.seed.is_some(),
    };
    let seeds = match arguments.seed {
        Some(seed) => seed..=seed,
        None => arguments.first..=arguments.first + arguments.seeds.saturating_sub(1),
    };
    let mut failed = Vec::new();
    for seed in seeds.clone() {
        let verdict = play(&bench, seed).await?;
        if verdict.wrongs.is_empty() {
            println!("seed {seed}: well, {} ms, {}", verdict.story.elapsed_ms(), verdict.figures);
        } else {
            failed.push(seed);
            show(seed, verdict, bench.aloud);
        }
    }
    println!("{} seeds, {} failed{}", seeds.count(), failed.len(), failed.iter().map(|seed| format!(" {seed}")).collect::<String>());
    Ok(failed.is_empty())
}

/// A failure: what is wrong, what happened, and how to play it again.
fn show(seed: u64, verdict: Verdict, was_aloud: bool) {
    println!("\nseed {seed}: FAILED after {} ms {}", verdict.story.elapsed_ms(), verdict.figures);
    for wrong in verdict.wrongs.iter().take(WRONGS_SHOWN) {
        println!("  - {wrong}");
    }
    if verdict.wrongs.len() > WRONGS_SHOWN {
        println!("  and {} more", verdict.wrongs.len() - WRONGS_SHOWN);
    }
    if !was_aloud {
        println!("  what happened:");
        for line in verdict.story.lines().iter().take(LINES_SHOWN) {
            println!("    {line}");
        }
    }
    println!("  logs: {}\n  again: make sim SEED={seed}\n", verdict.folder.keep().display());
}
