mod json;
mod rows;

use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use trueup_database::Pools;
use trueup_database::report::{self, DriftFilter, DriftRow};
use trueup_database::runs;
use trueup_judge::RunId;
use trueup_spec::Priority;
use trueup_workers::Document;

use super::{Exit, output};
use crate::Config;
use crate::service::connect_database;
use crate::view;

use rows::{Drifts, Pages};

/// How many drifts the table shows unless all are asked for.
const SHOWN_DRIFTS: i64 = 50;
/// How many drifts one table holds where all are asked for: what has to be in memory to know how wide columns are.
const DRIFTS_PER_TABLE: i64 = 1_000;

/// Which report.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The run [default: the latest that has a report, other than those of touches]
    run: Option<i64>,
    /// Only differences of this priority or above; one of a column, which has none, counts as normal
    #[arg(long, value_parser = priorities())]
    priority: Option<Priority>,
    #[command(flatten)]
    show: Show,
}

/// The words of all priorities.
fn priorities() -> impl TypedValueParser<Value = Priority> {
    PossibleValuesParser::new(Priority::ALL.map(Priority::as_str))
        .map(|word| Priority::ALL.into_iter().find(|it| it.as_str() == word).unwrap_or_default())
}

/// How a report is shown.
#[derive(Args, Clone, Default)]
pub(crate) struct Show {
    /// As the documented JSON document, with every drift and repair
    #[arg(long)]
    pub(crate) json: bool,
    /// Show every drift, not only the first ones
    #[arg(long)]
    pub(crate) all: bool,
}

pub(super) async fn report(config: &Config, arguments: Arguments) -> anyhow::Result<Exit> {
    let pools = connect_database(config).await?;
    let run = match arguments.run {
        Some(run) => RunId(run),
        None => {
            let mut connection = pools.read.acquire().await?;
            runs::latest_finished(&mut connection).await?.context("no run has a report yet; `trueup run` makes one")?
        }
    };
    let Some(document) = read(&pools, run).await? else {
        let mut connection = pools.read.acquire().await?;
        match runs::get(&mut connection, run).await? {
            None => anyhow::bail!("there is no run {run}; `trueup runs list` shows those that there are"),
            Some(found) => anyhow::bail!("run {run} has no report yet: it is in its {} phase", found.phase.as_str()),
        }
    };
    show_those(&pools, &document, &arguments.show, arguments.priority).await?;
    Ok(Exit::of(&document))
}

/// A run's report, if it is written.
pub(crate) async fn read(pools: &Pools, run: RunId) -> anyhow::Result<Option<Document>> {
    let mut connection = pools.read.acquire().await?;
    let Some(document) = report::read(&mut connection, run).await? else { return Ok(None) };
    Ok(Some(serde_json::from_value(document).with_context(|| format!("the report of run {run} is of another version of trueup"))?))
}

/// Shows a report, for a person or as JSON. However many drifts it has, only a page of them is in memory.
pub(crate) async fn show(pools: &Pools, document: &Document, how: &Show) -> anyhow::Result<()> {
    show_those(pools, document, how, None).await
}

/// The same, with no differences below a priority. What is counted stays as it is.
async fn show_those(pools: &Pools, document: &Document, how: &Show, at_least: Option<Priority>) -> anyhow::Result<()> {
    if how.json {
        return json::write(pools, document, at_least).await;
    }
    output::part(&view::before_drifts(document))?;
    let run = RunId(document.run.id);
    let mut drifts = Drifts::most_urgent_first(pools, run, at_least);
    let mut shown = 0;
    loop {
        let page = drifts.next(if how.all { DRIFTS_PER_TABLE } else { SHOWN_DRIFTS }).await?;
        shown += page.len() as u64;
        if !page.is_empty() {
            output::part(&view::drifts(&page))?;
        }
        if page.is_empty() || !how.all {
            break;
        }
    }
    let mut connection = pools.read.acquire().await?;
    let total = report::count_drifts(&mut connection, run, DriftFilter { at_least, exactly: None }).await?;
    let mut text = view::after_drifts(document, shown, total.saturating_sub(shown)).trim_end().to_owned();
    let found_any = document.kinds.values().any(|kind| !kind.drifts.is_empty());
    if let (Some(priority), 0, true) = (at_least, total, found_any) {
        text += &format!("\n\nNo difference has priority {} or above.", priority.as_str());
    }
    output::line(&text)
}

/// Every drift of a run, for one that is known to have few.
pub(crate) async fn drifts(pools: &Pools, run: RunId) -> anyhow::Result<Vec<DriftRow>> {
    let mut pages = Drifts::of(pools, run, None);
    let mut found = Vec::new();
    loop {
        let page = pages.next(rows::PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}
