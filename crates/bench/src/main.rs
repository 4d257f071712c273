//! `trueup-bench`: what the figures of docs/performance.md are measured with.
//!
//! Whatever is measured runs in processes of its own, on a Postgres and a Redis of its own, beginning with the same
//! data each time. A run counts only if everything is found done that had to be done.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod arguments;
mod beside;
mod contestant;
mod cost;
mod host;
mod job;
mod loans;
mod machine;
mod node;
mod postgres;
mod queue;
mod redis_server;
mod role;
mod roles;
mod samples;
mod scaling;
mod table;
mod usage;
mod world;

use arguments::{Arguments, Part};

/// That of `trueup`, for whoever is measured here.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "trueup-bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, and print tables
    Run(Arguments),
    /// Take part in a measurement
    #[command(subcommand, hide = true)]
    Role(roles::Role),
}

#[tokio::main]
async fn main() -> ExitCode {
    // Before any other use of TLS in this process, so that nothing is installed yet.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let result = match Cli::parse().command {
        Command::Run(arguments) => run(&arguments).await,
        Command::Role(role) => roles::play(role).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let size = arguments.size();
    let described = postgres::Postgres::start().await?.describe().await?;
    machine::describe(&described).print();
    if arguments.covers(Part::Queue) {
        let node = node::Node::install(&role::target()?).await?;
        print(queue::measure(&size, node.as_ref(), arguments.contestant.as_deref())).await?;
    }
    if arguments.covers(Part::Job) {
        print(job::measure(&size)).await?;
    }
    if arguments.covers(Part::Cost) {
        print(cost::measure(&size)).await?;
    }
    if arguments.covers(Part::Scaling) {
        print(async { Ok(vec![scaling::measure(&size).await?]) }).await?;
    }
    if arguments.covers(Part::Application) {
        print(beside::measure(&size)).await?;
    }
    Ok(())
}

async fn print(measuring: impl Future<Output = anyhow::Result<Vec<table::Section>>>) -> anyhow::Result<()> {
    let before = host::Processors::now();
    measuring.await?.iter().for_each(table::Section::print);
    if let Some((before, now)) = before.zip(host::Processors::now()) {
        println!("The host kept {} of the processors' time from this machine meanwhile.", now.stolen_since(&before));
    }
    Ok(())
}
