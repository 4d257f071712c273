//! What was repaired, what is proposed, and what people decide about it.

mod decide;
mod list;
mod proposed;
mod release;
mod revert;

use clap::Subcommand;

use super::Exit;
use crate::Config;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List repairs, oldest first
    List(list::ListArguments),
    /// Show the audit of one repair: before, after, and what it rests on
    Show(list::ShowArguments),
    /// List the plans of runs in mode propose, for somebody to approve or reject
    Proposed(proposed::Arguments),
    /// Approve proposals: a run looks at each again, and repairs what is still exactly so
    Approve(decide::ApproveArguments),
    /// Reject proposals: they are never executed, but the next run may propose the same again
    Reject(decide::RejectArguments),
    /// Undo repairs, newest first, where the row is still as its repair left it, and hold their columns
    Revert(revert::Arguments),
    /// Let sweeps repair again what was reverted, or what a trigger altered
    Release(release::Arguments),
}

pub(super) async fn repairs(config: &Config, command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(arguments) => list::list(config, arguments).await,
        Command::Show(arguments) => list::show(config, &arguments).await,
        Command::Proposed(arguments) => proposed::proposed(config, arguments).await,
        Command::Approve(arguments) => decide::approve(config, arguments).await,
        Command::Reject(arguments) => decide::reject(config, arguments).await,
        Command::Revert(arguments) => revert::revert(config, &arguments).await,
        Command::Release(arguments) => release::release(config, &arguments).await,
    }
}
