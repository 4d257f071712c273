use clap::Args;
use trueup_database::report::{self, RepairFilter, RepairRow};

use super::super::{Exit, output};
use crate::Config;
use crate::service::connect_database;
use crate::view::{printable, table};

/// How many repairs are listed unless more are asked for.
const DEFAULT_LIMIT: i64 = 50;

/// Which repairs are listed.
#[derive(Args)]
pub(crate) struct ListArguments {
    /// Of this run
    #[arg(long)]
    run: Option<i64>,
    /// Of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Of this row
    #[arg(long)]
    row: Option<String>,
    /// Those after this id
    #[arg(long, value_name = "ID", default_value_t = 0)]
    after: i64,
    /// How many at most
    #[arg(long, default_value_t = DEFAULT_LIMIT, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Which repair is shown.
#[derive(Args)]
pub(crate) struct ShowArguments {
    /// The repair
    id: i64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn list(config: &Config, arguments: ListArguments) -> anyhow::Result<Exit> {
    let ListArguments { run, kind, row, after, limit, json } = arguments;
    let pools = connect_database(config).await?;
    let mut connection = pools.read.acquire().await?;
    let filter = RepairFilter { run, kind, identity: row, ..RepairFilter::default() };
    let found = report::repairs(&mut connection, &filter, after, limit).await?;
    if json {
        output::json(&found)?
    } else {
        output::line(&as_table(&found))?
    }
    Ok(Exit::Clean)
}

pub(super) async fn show(config: &Config, arguments: &ShowArguments) -> anyhow::Result<Exit> {
    let ShowArguments { id, json } = *arguments;
    let pools = connect_database(config).await?;
    let mut connection = pools.read.acquire().await?;
    let filter = RepairFilter { id: Some(id), ..RepairFilter::default() };
    let Some(found) = report::repairs(&mut connection, &filter, 0, 1).await?.pop() else {
        anyhow::bail!("there is no repair {id}; `trueup repairs list` shows those that there are")
    };
    if json {
        output::json(&found)?
    } else {
        output::line(&details(&found))?
    }
    Ok(Exit::Clean)
}

fn as_table(repairs: &[RepairRow]) -> String {
    if repairs.is_empty() {
        return "no repairs match".to_owned();
    }
    table(
        &["repair", "run", "kind", "row", "action", "change", "at (UTC)", "by", "undone"],
        repairs.iter().map(|repair| {
            vec![
                repair.id.to_string(),
                repair.run.map(|run| run.to_string()).unwrap_or_default(),
                repair.kind.clone(),
                repair.identity.clone(),
                repair.action.clone(),
                changes(repair).join("; "),
                repair.repaired_at.format("%Y-%m-%d %H:%M:%S").to_string(),
                repair.actor.clone(),
                repair.reverted_by.map(|by| format!("by {by}{}", if repair.held { ", held" } else { "" })).unwrap_or_default(),
            ]
        }),
    )
}

fn changes(repair: &RepairRow) -> Vec<String> {
    let Some(after) = repair.after.as_object() else { return Vec::new() };
    after.iter().map(|(column, value)| format!("{column}: {} → {}", text(repair.before.get(column)), text(Some(value)))).collect()
}

fn text(value: Option<&serde_json::Value>) -> String {
    match value {
        None | Some(serde_json::Value::Null) => "∅".to_owned(),
        Some(serde_json::Value::String(text)) => printable(text),
        Some(other) => other.to_string(),
    }
}

fn details(repair: &RepairRow) -> String {
    let mut lines = vec![
        format!("repair     {}", repair.id),
        format!("action     {} of {} in {}", repair.action, repair.kind, repair.table_name),
        format!("row        {}", printable(&repair.identity)),
        format!("at         {}", repair.repaired_at.format("%Y-%m-%d %H:%M:%S%.3f UTC")),
        format!("by         {}", printable(&repair.actor)),
    ];
    let optional = [
        ("chain key", repair.chain_key.clone()),
        ("run", repair.run.map(|run| run.to_string())),
        ("plan", repair.plan.map(|plan| plan.to_string())),
        ("trace", repair.trace.clone()),
        ("reason", repair.reason.clone()),
        ("undoes", repair.reverts.map(|id| format!("repair {id}"))),
        ("undone", repair.reverted_by.map(|id| format!("by repair {id}{}", if repair.held { "; its columns are held" } else { "" }))),
        ("stamp", repair.stamp.as_ref().map(ToString::to_string)),
    ];
    lines.extend(optional.into_iter().filter_map(|(name, value)| Some(format!("{name:10} {}", printable(&value?)))));
    lines.extend(changes(repair).into_iter().map(|change| format!("change     {change}")));
    if repair.altered {
        lines.push(format!("altered    meant to be {}", repair.intended));
    }
    lines.join("\n")
}
