use std::collections::HashMap;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;
use sqlx::PgConnection;
use trueup_database::report::{self, RepairFilter};
use trueup_database::{Kind, Pools, RevertOutcome};

use super::super::by::By;
use super::super::{Exit, output};
use crate::Config;
use crate::service::{bind, connect_database, load_specs};

/// How many repairs one command undoes at most.
const MAX_REVERTS: usize = 100_000;
/// How many are looked up at a time.
const PAGE: i64 = 5_000;

/// Which repairs; what is not said does not restrict.
#[derive(Args)]
pub(crate) struct Which {
    /// Of this run
    #[arg(long)]
    run: Option<i64>,
    /// Of this kind
    #[arg(long)]
    kind: Option<String>,
    /// Of this row
    #[arg(long)]
    row: Option<String>,
    /// That mended a drift of this class
    #[arg(long)]
    class: Option<trueup_judge::Class>,
    /// Made at this time or later, as in 2026-03-01T00:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// Made before this time
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
}

impl Which {
    /// None if nothing was said.
    pub(super) fn filter(&self) -> Option<RepairFilter> {
        let said = self.run.is_some() || self.kind.is_some() || self.row.is_some() || self.class.is_some();
        (said || self.since.is_some() || self.until.is_some()).then(|| RepairFilter {
            run: self.run,
            kind: self.kind.clone(),
            identity: self.row.clone(),
            class: self.class.map(|class| class.as_str().to_owned()),
            since: self.since,
            until: self.until,
            id: None,
        })
    }
}

/// What is undone.
#[derive(Args)]
pub(crate) struct Arguments {
    /// These repairs
    #[arg(conflicts_with_all = ["run", "kind", "row", "class", "since", "until"])]
    ids: Vec<i64>,
    #[command(flatten)]
    which: Which,
    /// Only say what would be undone: everything is tried and rolled back
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    by: By,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What came of it.
#[derive(Default, Serialize)]
struct Undone {
    dry_run: bool,
    reverted: Vec<Reverted>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Reverted {
    repair: i64,
    /// The revert's own audit; none in a dry run.
    revert: Option<i64>,
    /// The columns that are held now.
    held: Vec<String>,
}

#[derive(Serialize)]
struct Refused {
    repair: i64,
    why: String,
}

pub(super) async fn revert(config: &Config, arguments: &Arguments) -> anyhow::Result<Exit> {
    let pools = connect_database(config).await?;
    let chosen = choose(&pools, arguments).await?;
    // Every kind is bound before the first row is touched.
    let kinds = kinds(config, &pools, &chosen).await?;
    let mut undone = Undone { dry_run: arguments.dry_run, ..Undone::default() };
    let result = if arguments.dry_run {
        let mut tx = pools.write.begin().await?;
        let result = undo_all(&mut tx, &kinds, &chosen, arguments, &mut undone).await;
        tx.rollback().await?;
        result
    } else {
        undo_each(&pools, &kinds, &chosen, arguments, &mut undone).await
    };
    result.with_context(|| format!("{} of {} are undone; the same command goes on with the rest", undone.reverted.len(), chosen.len()))?;
    // One that was named and refused is a command that failed.
    if let ([refused], [_], false) = (undone.refused.as_slice(), arguments.ids.as_slice(), arguments.dry_run) {
        anyhow::bail!("repair {} cannot be undone: {}", refused.repair, refused.why);
    }
    if arguments.json {
        output::json(&undone)?
    } else {
        output::line(&as_text(&undone))?
    }
    Ok(if undone.refused.is_empty() { Exit::Clean } else { Exit::Partial })
}

/// The repairs, newest first, with their kinds.
async fn choose(pools: &Pools, arguments: &Arguments) -> anyhow::Result<Vec<(i64, String)>> {
    let mut connection = pools.read.acquire().await?;
    if !arguments.ids.is_empty() {
        let mut chosen = report::kinds_of_repairs(&mut connection, &arguments.ids).await?;
        if let Some(missing) = arguments.ids.iter().find(|id| !chosen.iter().any(|(found, _)| found == *id)) {
            anyhow::bail!("there is no repair {missing}; `trueup repairs list` shows those that there are");
        }
        chosen.sort_unstable_by(|(one, _), (other, _)| other.cmp(one));
        return Ok(chosen);
    }
    let filter = arguments.which.filter().context("say which repairs: their ids, --run, or a filter such as --kind, --row or --since")?;
    let mut chosen: Vec<(i64, String)> = Vec::new();
    loop {
        let before = chosen.last().map_or(i64::MAX, |(id, _)| *id);
        let page = report::undoable(&mut connection, &filter, before, PAGE).await?;
        if page.is_empty() {
            return Ok(chosen);
        }
        chosen.extend(page);
        anyhow::ensure!(chosen.len() <= MAX_REVERTS, "more than {MAX_REVERTS} repairs match; narrow the filter, for example by --since");
    }
}

/// The kinds of these repairs, bound as their specs say now.
async fn kinds(config: &Config, pools: &Pools, chosen: &[(i64, String)]) -> anyhow::Result<HashMap<String, Kind>> {
    let mut kinds = HashMap::new();
    let specs = load_specs(config)?;
    for (id, name) in chosen {
        if kinds.contains_key(name) {
            continue;
        }
        let Some(spec) = specs.iter().find(|spec| spec.kind.0 == *name) else {
            anyhow::bail!("repair {id} is of kind `{name}`, which none of the given specs describes")
        };
        kinds.insert(name.clone(), bind(pools, vec![spec.clone()]).await?.pop().context("the spec is bound")?);
    }
    Ok(kinds)
}

/// Each in a transaction of its own, so that one that is refused, or a kill, leaves the others done.
async fn undo_each(
    pools: &Pools,
    kinds: &HashMap<String, Kind>,
    chosen: &[(i64, String)],
    arguments: &Arguments,
    undone: &mut Undone,
) -> anyhow::Result<()> {
    for one in chosen {
        let mut tx = pools.write.begin().await?;
        let outcome = undo(&mut tx, kinds, one, arguments).await?;
        tx.commit().await?;
        undone.add(one.0, outcome);
    }
    Ok(())
}

/// All in one transaction, so that an older repair of a row sees the newer one undone.
async fn undo_all(
    tx: &mut PgConnection,
    kinds: &HashMap<String, Kind>,
    chosen: &[(i64, String)],
    arguments: &Arguments,
    undone: &mut Undone,
) -> anyhow::Result<()> {
    for one in chosen {
        let outcome = undo(tx, kinds, one, arguments).await?;
        undone.add(one.0, outcome);
    }
    Ok(())
}

async fn undo(
    tx: &mut PgConnection,
    kinds: &HashMap<String, Kind>,
    (id, kind): &(i64, String),
    arguments: &Arguments,
) -> anyhow::Result<RevertOutcome> {
    let kind = kinds.get(kind).context("every kind is bound")?;
    Ok(kind.revert(tx, *id, arguments.by.actor(), arguments.by.reason()).await?)
}

impl Undone {
    fn add(&mut self, repair: i64, outcome: RevertOutcome) {
        match outcome {
            RevertOutcome::Reverted { repair: revert, held } => {
                self.reverted.push(Reverted { repair, revert: (!self.dry_run).then_some(revert), held });
            }
            RevertOutcome::Refused { why } => self.refused.push(Refused { repair, why }),
        }
    }
}

fn as_text(undone: &Undone) -> String {
    let mut lines = Vec::new();
    for Reverted { repair, revert, held } in &undone.reverted {
        let held = held.join(", ");
        lines.push(match revert {
            Some(revert) => format!("repair {repair} is undone by repair {revert}; held until `trueup repairs release {repair}`: {held}"),
            None => format!("repair {repair} would be undone, and held: {held}"),
        });
    }
    let cannot = if undone.dry_run { "could not be undone" } else { "is not undone" };
    lines.extend(undone.refused.iter().map(|Refused { repair, why }| format!("repair {repair} {cannot}: {why}")));
    if lines.is_empty() {
        return "no repair matches that is not undone already".to_owned();
    }
    if lines.len() > 1 {
        let would = if undone.dry_run { "would be undone" } else { "undone" };
        lines.push(format!("{} {would}, {} refused", undone.reverted.len(), undone.refused.len()));
    }
    lines.join("\n")
}
