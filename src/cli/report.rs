use anyhow::Context as _;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;
use trueup_database::Pools;
use trueup_database::report::{self, DriftFilter, DriftRow, RepairFilter, RepairRow};
use trueup_database::runs;
use trueup_judge::RunId;
use trueup_spec::Priority;
use trueup_workers::Document;

use super::{Exit, output};
use crate::Config;
use crate::service::connect_database;
use crate::view;

/// How many drifts the table shows unless all are asked for.
const SHOWN_DRIFTS: i64 = 50;
/// How many rows are fetched at a time.
const PAGE: i64 = 5_000;

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

/// The document with its rows: what `--json` prints. See docs/report.md.
#[derive(Serialize)]
struct Full<'a> {
    #[serde(flatten)]
    document: &'a Document,
    drifts: Vec<DriftRow>,
    repairs: Vec<RepairRow>,
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

/// Shows a report, for a person or as JSON.
pub(crate) async fn show(pools: &Pools, document: &Document, how: &Show) -> anyhow::Result<()> {
    show_those(pools, document, how, None).await
}

/// The same, with no differences below a priority. What is counted stays as it is.
async fn show_those(pools: &Pools, document: &Document, how: &Show, at_least: Option<Priority>) -> anyhow::Result<()> {
    let run = RunId(document.run.id);
    let filter = DriftFilter { at_least, by_priority: !how.json };
    if how.json {
        let drifts = first_drifts(pools, run, filter, i64::MAX).await?;
        return output::json(&Full { document, drifts, repairs: repairs(pools, run).await? });
    }
    let shown = first_drifts(pools, run, filter, if how.all { i64::MAX } else { SHOWN_DRIFTS }).await?;
    let mut connection = pools.read.acquire().await?;
    let total = report::count_drifts(&mut connection, run, filter).await?;
    let more = total.saturating_sub(shown.len() as u64);
    let mut text = view::render(document, &shown, more).trim_end().to_owned();
    let found_any = document.kinds.values().any(|kind| !kind.drifts.is_empty());
    if let (Some(priority), 0, true) = (at_least, total, found_any) {
        text += &format!("\n\nNo difference has priority {} or above.", priority.as_str());
    }
    output::line(&text)
}

/// Every drift of a run.
pub(crate) async fn drifts(pools: &Pools, run: RunId) -> anyhow::Result<Vec<DriftRow>> {
    first_drifts(pools, run, DriftFilter::default(), i64::MAX).await
}

async fn first_drifts(pools: &Pools, run: RunId, filter: DriftFilter, limit: i64) -> anyhow::Result<Vec<DriftRow>> {
    let mut connection = pools.read.acquire().await?;
    let mut found: Vec<DriftRow> = Vec::new();
    loop {
        let skip = i64::try_from(found.len())?;
        let page = report::drifts(&mut connection, run, filter, skip, PAGE.min(limit - skip)).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}

async fn repairs(pools: &Pools, run: RunId) -> anyhow::Result<Vec<RepairRow>> {
    let filter = RepairFilter { run: Some(run.0), ..RepairFilter::default() };
    let mut connection = pools.read.acquire().await?;
    let mut found: Vec<RepairRow> = Vec::new();
    loop {
        let after = found.last().map_or(0, |repair| repair.id);
        let page = report::repairs(&mut connection, &filter, after, PAGE).await?;
        if page.is_empty() {
            return Ok(found);
        }
        found.extend(page);
    }
}
