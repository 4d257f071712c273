use std::collections::HashMap;
use std::io::Read as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use trueup_database::touches::{self, NamedBy, Touched};
use trueup_judge::EntityKind;
use trueup_queue::inspect::{self, Filter};
use trueup_queue::{GroupId, State};
use trueup_workers::NamedEntity;

use super::{Exit, output};
use crate::view::table;
use crate::{Config, Trueup};

/// How many entities one command names at most.
const ENTITIES_MAX: usize = 100_000;
/// How many are stored together.
const ENTITIES_PER_STATEMENT: usize = 1_000;
/// How often it is looked whether they were looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long what was touched is waited for where nothing else is said, in seconds.
const DEFAULT_WAIT_SECS: u64 = 120;

/// Which entities.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Their kind
    kind: String,
    /// Their chain keys (of several columns: a JSON array of texts); none, or `-`: one a line from the standard input
    entities: Vec<String>,
    /// What is named are rows, by their primary keys
    #[arg(long)]
    row: bool,
    /// Wait until they were looked at, and show what came of it
    #[arg(long)]
    wait: bool,
    /// How many seconds to wait at most
    #[arg(long, default_value_t = DEFAULT_WAIT_SECS, requires = "wait", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What became of one entity.
#[derive(Serialize)]
struct Outcome {
    kind: String,
    entity: String,
    run: Option<i64>,
    verdict: String,
    repair: Option<String>,
    detail: Option<String>,
}

pub(super) async fn touch(config: &Config, arguments: Arguments) -> anyhow::Result<Exit> {
    let named_by = if arguments.row { NamedBy::Row } else { NamedBy::Key };
    let kind = EntityKind(arguments.kind);
    let entities: Vec<NamedEntity> =
        names(arguments.entities)?.into_iter().map(|entity| NamedEntity { kind: kind.clone(), named_by, entity }).collect();
    let trueup = Trueup::connect(config).await?;
    let mut touched = Vec::with_capacity(entities.len());
    for part in entities.chunks(ENTITIES_PER_STATEMENT) {
        let stored = trueup.touch(part).await;
        touched.extend(stored.with_context(|| format!("{} of {} were touched", touched.len(), entities.len()))?);
    }
    if !arguments.wait {
        if arguments.json {
            output::json(&serde_json::json!({ "touches": touched }))?
        } else {
            output::line(&told(touched.len()))?
        }
        return Ok(Exit::Clean);
    }
    let outcomes = wait(&trueup, &entities, &touched, Duration::from_secs(arguments.timeout)).await?;
    if arguments.json {
        output::json(&outcomes)?
    } else {
        output::line(&as_table(&outcomes))?
    }
    Ok(exit(&outcomes))
}

fn told(touched: usize) -> String {
    let what = if touched == 1 { "1 entity is".to_owned() } else { format!("{touched} entities are") };
    format!("{what} touched; a scheduler makes a run of what waits, and workers look at it (`trueup runs list --all`)")
}

/// The names that were given, or those on the standard input.
fn names(given: Vec<String>) -> anyhow::Result<Vec<String>> {
    let names = if given.is_empty() || given == ["-"] {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read the standard input")?;
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    } else {
        given
    };
    match names.len() {
        0 => bail!("no entity is named: name some, or write one a line to the standard input"),
        count if count > ENTITIES_MAX => bail!("{count} entities are too many to be touched; `trueup run` looks at all"),
        _ => Ok(names),
    }
}

/// Waits until all of them were looked at.
async fn wait(trueup: &Trueup, entities: &[NamedEntity], ids: &[i64], limit: Duration) -> anyhow::Result<Vec<Outcome>> {
    let began = Instant::now();
    let pools = trueup.context().pools();
    loop {
        let mut connection = pools.read.acquire().await?;
        let found = touches::outcomes(&mut connection, ids).await?;
        drop(connection);
        let open = found.iter().filter(|it| !it.finished).count();
        if open == 0 {
            return outcomes(trueup, entities, ids, found).await;
        }
        if began.elapsed() >= limit {
            let waiting = found.iter().filter(|it| it.run.is_none()).count();
            bail!(
                "after {} s {open} of them were not looked at yet, and {waiting} wait to be collected. Does a scheduler run \
                 (`trueup scheduler`, `trueup all`), and workers?",
                limit.as_secs()
            );
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn outcomes(trueup: &Trueup, entities: &[NamedEntity], ids: &[i64], found: Vec<Touched>) -> anyhow::Result<Vec<Outcome>> {
    let found: HashMap<i64, Touched> = found.into_iter().map(|it| (it.id, it)).collect();
    let mut outcomes = Vec::with_capacity(entities.len());
    for (entity, id) in entities.iter().zip(ids) {
        let mut outcome = Outcome {
            kind: entity.kind.0.clone(),
            entity: entity.entity.clone(),
            run: None,
            verdict: "forgotten".to_owned(),
            repair: None,
            detail: None,
        };
        if let Some(touched) = found.get(id) {
            outcome.run = touched.run;
            match &touched.verdict {
                Some(verdict) => outcome.verdict.clone_from(verdict),
                None => (outcome.verdict, outcome.detail) = of_job(trueup, &entity.kind, touched).await?,
            }
            outcome.repair.clone_from(&touched.repair);
            outcome.detail = touched.detail.clone().or(outcome.detail);
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// What the first look said, where there was no second one.
async fn of_job(trueup: &Trueup, kind: &EntityKind, touched: &Touched) -> anyhow::Result<(String, Option<String>)> {
    let filter = Filter {
        group: touched.run.map(GroupId),
        task: touched.task.clone(),
        kind: Some(kind.0.clone()),
        key: touched.job_key.clone(),
        ..Filter::default()
    };
    let mut connection = trueup.context().pools().read.acquire().await?;
    let job = inspect::list(&mut connection, &filter, 1, None).await?.pop();
    Ok(match job {
        Some(job) if job.state == State::Done => (job.outcome.unwrap_or_default(), None),
        Some(job) if job.state == State::Dead => ("failed".to_owned(), job.error),
        _ => ("unjudged".to_owned(), None),
    })
}

fn exit(outcomes: &[Outcome]) -> Exit {
    let is_left = |it: &&Outcome| it.verdict == "drifted" && it.repair.as_deref() != Some("repaired");
    let is_withheld = |it: &Outcome| it.repair.as_deref() == Some("withheld");
    let is_judged = |it: &Outcome| it.verdict == "in_sync" || it.verdict == "drifted" || it.verdict.starts_with("skipped");
    if outcomes.iter().any(is_withheld) {
        Exit::Partial
    } else if outcomes.iter().any(|it| is_left(&it)) {
        Exit::Drift
    } else if outcomes.iter().all(is_judged) {
        Exit::Clean
    } else {
        Exit::Partial
    }
}

fn as_table(outcomes: &[Outcome]) -> String {
    table(
        &["kind", "entity", "run", "verdict", "repair", "detail"],
        outcomes.iter().map(|it| {
            vec![
                it.kind.clone(),
                it.entity.clone(),
                it.run.map(|run| run.to_string()).unwrap_or_default(),
                it.verdict.clone(),
                it.repair.clone().unwrap_or_default(),
                it.detail.clone().unwrap_or_default(),
            ]
        }),
    )
}
