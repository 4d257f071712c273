use std::collections::BTreeMap;

use clap::Subcommand;
use trueup_database::runs::{self, Run, RunState};
use trueup_judge::{EntityKind, RunId};
use trueup_workers::cancel;

use super::{Exit, output};
use crate::Config;
use crate::service::connect_database;
use crate::view::table;

/// How many runs are listed.
const DEFAULT_LIMIT: i64 = 20;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List runs, newest first, without those of touches
    List {
        /// How many at most
        #[arg(long, default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(i64).range(1..))]
        limit: i64,
        /// Those of touches too
        #[arg(long)]
        all: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End a run before its time; its report says that it is partial
    Cancel {
        /// The run
        run: i64,
    },
}

pub(super) async fn runs(config: &Config, command: Command) -> anyhow::Result<Exit> {
    let pools = connect_database(config).await?;
    match command {
        Command::List { limit, all, json } => {
            let mut connection = pools.read.acquire().await?;
            let found = runs::list(&mut connection, limit, all).await?;
            if json { output::json(&found.iter().map(as_json).collect::<Vec<_>>())? } else { output::line(&as_table(&found))? }
        }
        Command::Cancel { run } => {
            let mut connection = pools.write.acquire().await?;
            match runs::get(&mut connection, RunId(run)).await? {
                None => anyhow::bail!("there is no run {run}; `trueup runs list` shows those that there are"),
                Some(found) if found.state != RunState::Running => anyhow::bail!("run {run} has ended already: {}", found.state.as_str()),
                Some(_) => {}
            }
            drop(connection);
            anyhow::ensure!(
                cancel(&pools, RunId(run)).await?,
                "all of run {run} is done, and there is nothing to cancel; `trueup report {run}` shows its report in a moment"
            );
            output::line(&format!("run {run} is cancelled; a worker will write its partial report"))?;
        }
    }
    Ok(Exit::Clean)
}

/// How many rows, over all kinds.
fn all(rows: &BTreeMap<EntityKind, u64>) -> u64 {
    rows.values().sum()
}

fn as_json(run: &Run) -> serde_json::Value {
    let kinds: Vec<&str> = run.kinds.iter().map(|kind| kind.0.as_str()).collect();
    serde_json::json!({
        "id": run.id.0,
        "origin": run.origin,
        "kinds": kinds,
        "mode": run.mode.as_str(),
        "sweep": run.sweep.as_str(),
        "phase": run.phase.as_str(),
        "state": run.state.as_str(),
        "opened_at": run.opened_at,
        "finished_at": run.finished_at,
        "unmoved": all(&run.unmoved),
        "in_sync": all(&run.in_sync),
        "suspected": all(&run.suspected),
        "detect": { "total": run.detect.0, "done": run.detect.1 },
        "confirm": { "total": run.confirm.0, "done": run.confirm.1 },
    })
}

fn as_table(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "no runs yet; `trueup run` starts one".to_owned();
    }
    table(
        &["run", "origin", "kinds", "mode", "sweep", "state", "phase", "first looks", "unmoved", "confirmed", "opened (UTC)"],
        runs.iter().map(|run| {
            let kinds: Vec<&str> = run.kinds.iter().map(|kind| kind.0.as_str()).collect();
            vec![
                run.id.to_string(),
                run.origin.clone(),
                kinds.join(", "),
                run.mode.to_string(),
                run.sweep.to_string(),
                run.state.as_str().to_owned(),
                run.phase.as_str().to_owned(),
                format!("{}/{}", run.detect.1, run.detect.0),
                all(&run.unmoved).to_string(),
                format!("{}/{}", run.confirm.1, run.confirm.0),
                run.opened_at.format("%Y-%m-%d %H:%M:%S").to_string(),
            ]
        }),
    )
}
