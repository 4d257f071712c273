use clap::Args;
use serde_json::Value;
use trueup_database::proposals::{self, Proposal, ProposalFilter, ProposalState};

use super::super::{Exit, output};
use crate::Config;
use crate::service::connect_database;
use crate::view::{printable, table};

/// How many proposals are listed unless more are asked for.
const DEFAULT_LIMIT: i64 = 50;

/// Which proposals; what is not said does not restrict.
#[derive(Args)]
pub(crate) struct Which {
    /// Of this run
    #[arg(long)]
    run: Option<i64>,
    /// Of this kind
    #[arg(long)]
    kind: Option<String>,
    /// With a drift of this class
    #[arg(long)]
    class: Option<trueup_judge::Class>,
    /// Of this row; for a row that is missing, its chain key
    #[arg(long)]
    row: Option<String>,
}

impl Which {
    pub(super) fn is_empty(&self) -> bool {
        self.run.is_none() && self.kind.is_none() && self.class.is_none() && self.row.is_none()
    }

    pub(super) fn filter(self, ids: Vec<i64>) -> ProposalFilter {
        let class = self.class.map(|class| class.as_str().to_owned());
        ProposalFilter { ids, run: self.run, kind: self.kind, row: self.row, class }
    }
}

/// How they are listed.
#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// open, approved, rejected or all
    #[arg(long, default_value = "open")]
    state: ProposalState,
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

pub(super) async fn proposed(config: &Config, arguments: Arguments) -> anyhow::Result<Exit> {
    let pools = connect_database(config).await?;
    let mut connection = pools.read.acquire().await?;
    let filter = arguments.which.filter(Vec::new());
    let found = proposals::list(&mut connection, &filter, arguments.state, arguments.after, arguments.limit).await?;
    if arguments.json {
        output::json(&found)?
    } else {
        output::line(&as_table(&found))?
    }
    Ok(Exit::Clean)
}

fn as_table(proposals: &[Proposal]) -> String {
    if proposals.is_empty() {
        return "no proposals match; `trueup run --mode propose` makes some".to_owned();
    }
    table(
        &["plan", "run", "proposed by", "kind", "row", "class", "change", "decision"],
        proposals.iter().map(|proposal| {
            vec![
                proposal.id.to_string(),
                proposal.run.to_string(),
                proposal.proposer.clone().unwrap_or_default(),
                proposal.kind.clone(),
                proposal.identity.clone().or_else(|| proposal.chain_key.clone()).unwrap_or_default(),
                classes(&proposal.plan).join(", "),
                format!("{}: {}", proposal.action, changes(&proposal.plan).join("; ")),
                decision(proposal),
            ]
        }),
    )
}

fn decision(proposal: &Proposal) -> String {
    let Some(decision) = &proposal.decision else { return String::new() };
    let run = proposal.decision_run.map(|run| format!(", run {run}")).unwrap_or_default();
    let (by, why) = (proposal.decided_by.as_deref().unwrap_or_default(), proposal.decision_reason.as_deref().unwrap_or_default());
    printable(&format!("{decision} by {by}{run}: {why}"))
}

fn classes(plan: &Value) -> Vec<String> {
    let drifts = plan["drifts"].as_array().into_iter().flatten();
    let mut classes: Vec<String> = drifts.filter_map(|drift| drift["class"].as_str().map(str::to_owned)).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

/// What would be written: column by column, with what is there now where it was judged.
fn changes(plan: &Value) -> Vec<String> {
    let action = &plan["action"];
    let written = action["set"].as_object().or_else(|| action["row"].as_object());
    let change = |(column, value): (&String, &Value)| match plan["judged"].get(column) {
        Some(now) => format!("{column}: {} → {}", text(now), text(value)),
        None => format!("{column} = {}", text(value)),
    };
    written.into_iter().flatten().map(change).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "∅".to_owned(),
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}
