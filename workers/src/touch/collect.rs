//! One run of what waits: the claim, the run and its jobs commit together, so that whoever is killed at whatever moment
//! neither loses a touch nor looks at one twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tracing::Instrument;
use trueup_database::runs::{self, NewRun};
use trueup_database::touches::{self, Assigned, NamedBy, Waiting};
use trueup_judge::{ChainKey, EntityKind};
use trueup_queue::{GroupId, NewJob};

use super::{TOUCH_PRIORITY, Touching, lane};
use crate::context::Context;
use crate::enqueue::seal;
use crate::task::Task;

/// What the runs of touches say of who asked.
const ORIGIN: &str = "touches";
/// The most touches that one run looks at.
const TOUCHES_PER_RUN: i64 = 2_000;

/// What is to be done about touches that were claimed.
#[derive(Default)]
struct Sorted {
    assigned: Vec<Assigned>,
    /// Each entity once, however many touches name it.
    jobs: BTreeSet<(EntityKind, &'static str, String)>,
    deferred: Vec<i64>,
}

/// Makes a run of what is due; does nothing if another toucher is at it.
pub(super) async fn collect(context: &Context, touching: Touching) -> anyhow::Result<()> {
    let mut tx = context.pools.write.begin().await?;
    if !touches::begin_claim(&mut tx).await? {
        return Ok(());
    }
    let claimed = touches::claim(&mut tx, &context.kinds(), TOUCHES_PER_RUN).await?;
    if claimed.is_empty() {
        return Ok(());
    }
    let sorted = sort(context, claimed).await?;
    touches::defer(&mut tx, &sorted.deferred).await?;
    if sorted.assigned.is_empty() {
        return Ok(tx.commit().await?);
    }
    let kinds: BTreeSet<EntityKind> = sorted.jobs.iter().map(|(kind, ..)| kind.clone()).collect();
    let span = tracing::info_span!("run", origin = ORIGIN);
    let trace = crate::trace::traceparent(&span);
    let new = NewRun {
        origin: ORIGIN.to_owned(),
        kinds: kinds.into_iter().collect(),
        mode: touching.mode,
        timeout_secs: touching.timeout_secs,
        trace: trace.clone(),
        actor: Some(ORIGIN.to_owned()),
        touches: true,
        ..NewRun::default()
    };
    let run = runs::open(&mut tx, &new).instrument(span).await?;
    touches::assign(&mut tx, run, &sorted.assigned).await?;
    let jobs: Vec<NewJob> = sorted
        .jobs
        .into_iter()
        .map(|(kind, task, key)| NewJob {
            priority: TOUCH_PRIORITY,
            payload: Some(lane()),
            trace: trace.clone(),
            ..NewJob::new(GroupId(run.0), task, kind.0, key)
        })
        .collect();
    let added = trueup_queue::enqueue(&mut tx, &jobs).await?;
    runs::add_retried(&mut tx, run, i64::try_from(added)?).await?;
    seal(&mut tx, run).await?;
    tx.commit().await?;
    tracing::debug!(run = run.0, touches = sorted.assigned.len(), entities = added, "touched");
    Ok(())
}

/// A key that has a row is looked at as that row. One that has none is looked for, once a row had time to appear.
async fn sort(context: &Context, claimed: Vec<Waiting>) -> anyhow::Result<Sorted> {
    let rows = rows_of_keys(context, &claimed).await?;
    let mut sorted = Sorted::default();
    for Waiting { id, kind, named_by, entity, row_due_in_secs } in claimed {
        let row = match named_by {
            NamedBy::Row => Some(&entity),
            NamedBy::Key => rows.get(&(kind.clone(), entity.clone())),
        };
        let (task, key) = match row {
            Some(row) => (Task::Detect, row.clone()),
            None if row_due_in_secs > 0 => {
                sorted.deferred.push(id);
                continue;
            }
            None => (Task::Discover, entity),
        };
        sorted.assigned.push(Assigned { touch: id, task: task.as_str().to_owned(), job_key: key.clone() });
        sorted.jobs.insert((kind, task.as_str(), key));
    }
    Ok(sorted)
}

/// The rows that have these keys. A key that cannot be one has none, and its own job says so.
async fn rows_of_keys(context: &Context, claimed: &[Waiting]) -> anyhow::Result<HashMap<(EntityKind, String), String>> {
    let mut keys: BTreeMap<&EntityKind, BTreeSet<&str>> = BTreeMap::new();
    for touch in claimed.iter().filter(|touch| touch.named_by == NamedBy::Key) {
        keys.entry(&touch.kind).or_default().insert(&touch.entity);
    }
    let mut rows = HashMap::new();
    for (name, keys) in keys {
        let Some(kind) = context.kinds.get(name) else { continue };
        let keys: Vec<ChainKey> = keys.into_iter().map(|key| ChainKey(key.to_owned())).collect();
        for (key, located) in kind.locate_keys(&context.pools.read, &keys).await? {
            if let Some(row) = located.ok().and_then(|located| located.row) {
                rows.insert((name.clone(), key.0), row.0);
            }
        }
    }
    Ok(rows)
}
