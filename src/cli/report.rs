use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use trueup_database::Pools;
use trueup_database::report::{self, DriftRow, RepairFilter, RepairRow};
use trueup_database::runs;
use trueup_judge::RunId;
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
    /// The run [default: the latest that has a report]
    run: Option<i64>,
    #[command(flatten)]
    show: Show,
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
    show(&pools, &document, &arguments.show).await?;
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
    let run = RunId(document.run.id);
    if how.json {
        return output::json(&Full { document, drifts: drifts(pools, run).await?, repairs: repairs(pools, run).await? });
    }
    let shown = first_drifts(pools, run, if how.all { i64::MAX } else { SHOWN_DRIFTS }).await?;
    let total: u64 = document.kinds.values().flat_map(|kind| kind.drifts.values()).sum();
    let more = total.saturating_sub(shown.len() as u64);
    output::line(view::render(document, &shown, more).trim_end())
}

/// Every drift of a run.
pub(crate) async fn drifts(pools: &Pools, run: RunId) -> anyhow::Result<Vec<DriftRow>> {
    first_drifts(pools, run, i64::MAX).await
}

async fn first_drifts(pools: &Pools, run: RunId, limit: i64) -> anyhow::Result<Vec<DriftRow>> {
    let mut connection = pools.read.acquire().await?;
    let mut found: Vec<DriftRow> = Vec::new();
    loop {
        let skip = i64::try_from(found.len())?;
        let page = report::drifts(&mut connection, run, skip, PAGE.min(limit - skip)).await?;
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
