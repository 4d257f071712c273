use clap::Args;
use trueup_database::{release as release_one, release_matching};

use super::super::{Exit, output};
use super::revert::Which;
use crate::Config;
use crate::service::connect_database;
use crate::view::printable;

/// What is released.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The repairs that were reverted, or that a trigger altered
    #[arg(conflicts_with_all = ["run", "kind", "row", "class", "since", "until"])]
    ids: Vec<i64>,
    #[command(flatten)]
    which: Which,
}

pub(super) async fn release(config: &Config, arguments: &Arguments) -> anyhow::Result<Exit> {
    let filter = arguments.which.filter();
    anyhow::ensure!(
        !arguments.ids.is_empty() || filter.is_some(),
        "say which reverted or altered repairs: their ids, --run, or a filter such as --kind, --row or --since"
    );
    let pools = connect_database(config).await?;
    let mut tx = pools.write.begin().await?;
    let mut lines = Vec::new();
    for id in &arguments.ids {
        let released = release_one(&mut tx, *id).await?;
        anyhow::ensure!(
            !released.is_empty(),
            "nothing is held because of repair {id}; nothing is released. `trueup repairs list` shows what is held"
        );
        lines.push(format!("released: {}; the next sweep may repair it again", released.join(", ")));
    }
    if let Some(filter) = &filter {
        let released = release_matching(&mut tx, filter).await?;
        let line = |it: trueup_database::Released| format!("released: {} of {} {}", it.column, it.kind, printable(&it.identity));
        lines.extend(released.into_iter().map(line));
        lines.push(match lines.len() {
            0 => "nothing is held of what matches".to_owned(),
            count => format!("{count} column(s) released; the next sweep may repair them again"),
        });
    }
    tx.commit().await?;
    output::line(&lines.join("\n"))?;
    Ok(Exit::Clean)
}
