//! The command line: one file a command, each a thin layer over the library.

mod accept;
mod all;
mod by;
mod check;
mod connection;
mod devnet;
mod events;
mod exit;
mod failure;
mod jobs;
mod migrate;
mod output;
mod repairs;
mod report;
mod run;
mod runs;
mod signal;
mod touch;
mod triggers;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::level_filters::LevelFilter;

use connection::Connection;
pub(crate) use exit::Exit;
pub(crate) use report::{drifts as read_drifts, read as read_report};
pub(crate) use run::work;
pub(crate) use signal::shutdown;

/// Keeps a Postgres database true to the chain.
///
/// trueup compares the rows that your entity specs name with what the chain holds, reports what differs with proof,
/// and repairs the rows where the specs allow it. The chain is only ever read.
///
/// Exit codes: 0 clean · 1 error · 2 wrong usage · 3 drift found · 4 partial or guarded. 3 is drift that was not
/// repaired; 4 says that not every entity could be judged, or that repairs were held back.
#[derive(Parser)]
#[command(name = "trueup", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Subcommand)]
enum Command {
    /// Show the whole job on a throwaway database and a local chain
    Demo(crate::demo::Arguments),
    /// Validate the specs against the database and the chain, with one sample of each kind
    Check(check::Arguments),
    /// Start a run, work on it, and show its report
    Run(run::Arguments),
    /// Work on jobs until stopped
    Worker(all::WorkerArguments),
    /// Start the runs that are due until stopped
    Scheduler,
    /// Scheduler and worker in one process
    All(all::WorkerArguments),
    /// Have entities looked at now, ahead of everything else
    Touch(touch::Arguments),
    /// Print the SQL of triggers by which changed rows touch themselves
    Triggers(triggers::Arguments),
    /// List, show and retry jobs
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// List and cancel runs
    #[command(subcommand)]
    Runs(runs::Command),
    /// Show what of the chain's events is stored
    #[command(subcommand)]
    Events(events::Command),
    /// Show the report of a run
    Report(report::Arguments),
    /// List, show, revert and release repairs; approve and reject proposals
    #[command(subcommand)]
    Repairs(repairs::Command),
    /// Accept the code that a contract runs now, so that what rests on it is repaired again
    Accept(accept::Arguments),
    /// Serve a local Soroban chain
    Devnet(devnet::Arguments),
    /// Create or update schema `trueup` in the database
    Migrate,
}

impl Command {
    /// What is logged where `RUST_LOG` says nothing: services say what they do, commands only what is wrong.
    const fn level(&self) -> LevelFilter {
        match self {
            Self::Worker(_) | Self::Scheduler | Self::All(_) | Self::Devnet(_) => LevelFilter::INFO,
            _ => LevelFilter::WARN,
        }
    }
}

/// Parses the arguments and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let telemetry = match crate::telemetry::init(cli.command.level()) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(&error),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    let result = runtime.block_on(dispatch(cli));
    drop(telemetry);
    match result {
        Ok(exit) => exit.into(),
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    // A reader that has gone away (`| head`) is no failure worth words.
    if !output::is_broken_pipe(error) {
        eprintln!("error: {}", failure::said(error));
    }
    Exit::Error.into()
}

async fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    let connection = cli.connection;
    match cli.command {
        Command::Demo(arguments) => crate::demo::demo(arguments).await,
        Command::Check(arguments) => check::check(&connection.config()?, &arguments).await,
        Command::Run(arguments) => run::run(&connection.config()?, arguments).await,
        Command::Worker(arguments) => all::worker(&connection.config()?, arguments).await,
        Command::Scheduler => all::scheduler(&connection.config()?).await,
        Command::All(arguments) => all::all(&connection.config()?, arguments).await,
        Command::Touch(arguments) => touch::touch(&connection.config()?, arguments).await,
        Command::Triggers(arguments) => triggers::triggers(&connection.config()?, &arguments).await,
        Command::Jobs(command) => jobs::jobs(&connection.config()?, command).await,
        Command::Runs(command) => runs::runs(&connection.config()?, command).await,
        Command::Events(command) => events::events(&connection.config()?, command).await,
        Command::Report(arguments) => report::report(&connection.config()?, arguments).await,
        Command::Repairs(command) => repairs::repairs(&connection.config()?, command).await,
        Command::Accept(arguments) => accept::accept(&connection.config()?, &arguments).await,
        Command::Devnet(arguments) => {
            connection.refuse_for_devnet()?;
            devnet::devnet(arguments).await
        }
        Command::Migrate => migrate::migrate(&connection.config()?).await,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
