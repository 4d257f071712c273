use clap::Subcommand;
use trueup_database::events::{self, EventHole, EventStatus};

use super::{Exit, output};
use crate::Config;
use crate::service::connect_database;
use crate::view::table;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show how far each contract's events are stored, and what is missing in between
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn events(config: &Config, command: Command) -> anyhow::Result<Exit> {
    let pools = connect_database(config).await?;
    match command {
        Command::Status { json } => {
            let mut connection = pools.read.acquire().await?;
            let statuses = events::statuses(&mut connection).await?;
            if json {
                output::json(&statuses.iter().map(as_json).collect::<Vec<_>>())?;
            } else {
                output::line(&as_text(&statuses))?;
            }
        }
    }
    Ok(Exit::Clean)
}

/// How many ledgers the chain was ahead when it was last asked.
fn behind(status: &EventStatus) -> i64 {
    (status.cursor.tip_ledger + 1 - status.cursor.next_ledger).max(0)
}

fn as_json(status: &EventStatus) -> serde_json::Value {
    let holes: Vec<_> = status
        .holes
        .iter()
        .map(|hole| {
            serde_json::json!({
                "first_ledger": hole.first_ledger,
                "last_ledger": hole.last_ledger,
                "reason": hole.reason,
                "found_at": hole.found_at,
            })
        })
        .collect();
    serde_json::json!({
        "contract": status.cursor.contract,
        "from_ledger": status.cursor.from_ledger,
        "next_ledger": status.cursor.next_ledger,
        "tip_ledger": status.cursor.tip_ledger,
        "behind_ledgers": behind(status),
        "updated_at": status.cursor.updated_at,
        "stored": status.stored,
        "unreadable": status.unreadable,
        "holes": holes,
    })
}

fn as_text(statuses: &[EventStatus]) -> String {
    if statuses.is_empty() {
        return "no events have been read yet; `trueup scheduler` and `trueup all` read those of every contract that a spec names"
            .to_owned();
    }
    let mut text = table(
        &["contract", "from ledger", "next ledger", "behind", "events", "unreadable", "holes", "updated (UTC)"],
        statuses.iter().map(|status| {
            vec![
                status.cursor.contract.clone(),
                status.cursor.from_ledger.to_string(),
                status.cursor.next_ledger.to_string(),
                behind(status).to_string(),
                status.stored.to_string(),
                status.unreadable.to_string(),
                status.holes.len().to_string(),
                status.cursor.updated_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            ]
        }),
    );
    let holes: Vec<&EventHole> = statuses.iter().flat_map(|status| &status.holes).collect();
    if !holes.is_empty() {
        text.push_str("\n\nholes: the events of these ledgers are missing\n");
        text.push_str(&table(
            &["contract", "first ledger", "last ledger", "reason", "found (UTC)"],
            holes.iter().map(|hole| {
                vec![
                    hole.contract.clone(),
                    hole.first_ledger.to_string(),
                    hole.last_ledger.to_string(),
                    hole.reason.clone(),
                    hole.found_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                ]
            }),
        ));
    }
    text
}
