//! Puts the jobs of a run into the queue: one for each range of rows, or for each row where each costs calls of its own,
//! and one for each key that the chain has and the table lacks. Chunk by chunk, each with its place in one transaction,
//! so that any process can go on where one died.

mod parents;

use std::collections::BTreeMap;

use anyhow::Context as _;
use sqlx::PgConnection;
use trueup_database::runs::{self, Counted, Cursor, KeyCursor, KindCursor};
use trueup_database::{Kind, RowRange, Select};
use trueup_judge::{ChainKey, EntityKind, HeldBack, RowIdentity, RunId, Sweep};
use trueup_queue::{Destination, Enqueued, GroupId, NewJob};
use trueup_spec::Source;

use crate::context::Context;
use crate::enumerate::{Keys, enumerate};
use crate::events::{catch_up, contracts, keys_notes};
use crate::matching::guard::network;
use crate::progress::advance;
use crate::range::is_by_range;
use crate::start::require_specs;
use crate::task::Task;

/// Of how many rows that are gone one full sweep forgets what it remembered.
const FORGOTTEN_PER_SWEEP: i64 = 50_000;

/// Adds the jobs that a run still lacks, and seals it. Does nothing if another process is at it.
///
/// # Errors
/// The database or the chain did not answer, or the run covers a kind that has no spec here. The run stays as it is:
/// a later call goes on.
pub async fn enqueue_run(context: &Context, run: RunId) -> anyhow::Result<()> {
    context.throttle.expect_batches();
    let mut connection = context.pools.write.acquire().await?;
    let Some(found) = runs::get(&mut connection, run).await? else { return Ok(()) };
    // Before the claim: whoever has the spec must not wait for it to expire.
    require_specs(context, &found.kinds).with_context(|| format!("run {run}"))?;
    // Not held while the events are stored: whoever holds one connection and waits for another may wait for ever.
    drop(connection);
    let late = read_events(context, &found.kinds).await;
    let mut connection = context.pools.write.acquire().await?;
    let Some(mut cursor) = runs::claim_enqueue(&mut connection, run, context.settings.enqueue_claim_secs).await? else { return Ok(()) };
    if let Some(why) = network(context).await.filter(HeldBack::concerns_reading) {
        tracing::warn!(run = run.0, %why, "held back");
        for kind in &found.kinds {
            runs::hold_back(&mut connection, run, kind, &why).await?;
        }
    }
    drop(connection);
    for name in &found.kinds {
        let Some(kind) = context.kinds.get(name) else { anyhow::bail!("run {run} covers kind `{name}`, which has no spec here") };
        let filling = Filling { context, run, name, kind, sweep: found.sweep, trace: found.trace.as_deref(), late: late.as_deref() };
        loop {
            match filling.next_chunk(&cursor).await? {
                Step::Moved(next) => cursor = next,
                Step::Done => break,
                Step::Lost => return Ok(()),
            }
        }
    }
    let mut tx = context.pools.write.begin().await?;
    seal(&mut tx, run).await?;
    tx.commit().await?;
    if found.sweep == Sweep::Full {
        forget_vanished(context, &found.kinds).await;
    }
    Ok(())
}

/// Rows that are gone need not be remembered. Not worth a run: what is kept too long is in nobody's way.
async fn forget_vanished(context: &Context, kinds: &[EntityKind]) {
    for kind in kinds.iter().filter_map(|name| context.kinds.get(name)) {
        let forgotten = async {
            let mut connection = context.pools.write.acquire().await?;
            anyhow::Ok(kind.forget_vanished(&mut connection, FORGOTTEN_PER_SWEEP).await?)
        };
        match forgotten.await {
            Ok(0) => {}
            Ok(rows) => tracing::debug!(kind = %kind.spec().kind, rows, "forgot rows that are gone"),
            Err(error) => tracing::warn!(kind = %kind.spec().kind, error = format!("{error:#}"), "cannot forget rows that are gone"),
        }
    }
}

/// Reads what was emitted by contracts whose events name keys of these kinds. Also before the claim, which is short.
/// What it cannot read is told by the run's notes, and keeps nothing else from being looked at.
async fn read_events(context: &Context, kinds: &[EntityKind]) -> Option<String> {
    let kinds: Vec<&Kind> = kinds
        .iter()
        .filter_map(|name| context.kinds.get(name))
        .map(AsRef::as_ref)
        .filter(|kind| kind.spec().enumerating_events().is_some())
        .collect();
    catch_up(context, &contracts(&kinds)).await.err().map(|error| format!("{error:#}"))
}

/// Like [`enqueue_run`], beside a scheduler: where the database goes away meanwhile, the scheduler goes on once it is
/// back, and is the one that gives up if it does not come back.
///
/// # Errors
/// See [`enqueue_run`].
pub async fn enqueue_beside_scheduler(context: &Context, run: RunId) -> anyhow::Result<()> {
    match enqueue_run(context, run).await {
        Err(error) if is_passing(&error) => {
            tracing::warn!(run = run.0, error = format!("{error:#}"), "the database failed; the scheduler goes on with adding jobs");
            Ok(())
        }
        result => result,
    }
}

/// All jobs are there; perhaps all outcomes too.
pub(crate) async fn seal(conn: &mut PgConnection, run: RunId) -> Result<(), sqlx::Error> {
    if runs::seal(conn, run).await? {
        advance(conn, run, &Counted::default()).await?;
    }
    Ok(())
}

enum Step {
    Moved(Cursor),
    Done,
    /// The run ended, or another process has moved its cursor.
    Lost,
}

/// One kind of one run that is being filled.
struct Filling<'a> {
    context: &'a Context,
    run: RunId,
    name: &'a EntityKind,
    kind: &'a Kind,
    sweep: Sweep,
    trace: Option<&'a str>,
    /// Why the newest events were not read.
    late: Option<&'a str>,
}

impl Filling<'_> {
    async fn next_chunk(&self, cursor: &Cursor) -> anyhow::Result<Step> {
        let here = cursor.0.get(&self.name.0).cloned().unwrap_or_default();
        if !here.rows_done {
            return self.add_rows(cursor, here).await;
        }
        match &here.keys {
            KeyCursor::Done => Ok(Step::Done),
            KeyCursor::Start => self.start_keys(cursor, here).await,
            KeyCursor::Range { next, last } => self.add_range(cursor, here.clone(), *next, *last).await,
            KeyCursor::After(after) => self.add_query(cursor, here.clone(), Some(after.as_str())).await,
            KeyCursor::Parents(parents) => self.add_elements(cursor, here.clone(), parents.clone()).await,
        }
    }

    async fn add_rows(&self, cursor: &Cursor, here: KindCursor) -> anyhow::Result<Step> {
        let limit = self.context.settings.jobs_per_chunk;
        let after = here.after_row.clone().map(RowIdentity);
        if is_by_range(&self.kind.spec().source) {
            return self.add_ranges(cursor, &here, after.as_ref()).await;
        }
        let place = |added: &Enqueued| KindCursor {
            rows_done: is_last(added, limit),
            after_row: added.last_key.clone().or_else(|| here.after_row.clone()),
            keys: here.keys.clone(),
        };
        match self.add(cursor, Task::Detect, self.kind.rows_after(after.as_ref(), limit), place).await {
            // A row on which `where` fails to evaluate: the chunk goes in whole, and that row's own job says so.
            Err(error) if is_refused(&error) => {
                tracing::warn!(kind = %self.name, error = format!("{error:#}"), "enqueueing a chunk without `where`");
                self.add(cursor, Task::Detect, self.kind.rows_after_unfiltered(after.as_ref(), limit), place).await
            }
            result => result,
        }
    }

    async fn add_ranges(&self, cursor: &Cursor, here: &KindCursor, after: Option<&RowIdentity>) -> anyhow::Result<Step> {
        let rows = self.context.settings.rows_per_range.min(self.context.settings.jobs_per_chunk).max(1);
        let ranges = (self.context.settings.jobs_per_chunk / rows).max(1);
        let select = self.kind.ranges_after(after, ranges, rows, self.sweep == Sweep::Full);
        let place = |added: &Enqueued| {
            let last = added.last_key.as_deref().and_then(|range| serde_json::from_str::<RowRange>(range).ok());
            KindCursor {
                rows_done: is_last(added, ranges) || last.is_none(),
                after_row: last.map(|range| range.last.0).or_else(|| here.after_row.clone()),
                keys: here.keys.clone(),
            }
        };
        self.add(cursor, Task::Sieve, select, place).await
    }

    async fn start_keys(&self, cursor: &Cursor, here: KindCursor) -> anyhow::Result<Step> {
        let spec = self.kind.spec();
        let keys = match &spec.source {
            _ if spec.enumerating_events().is_some() => {
                keys_notes(self.context, self.run, self.kind, self.late).await?;
                Keys::Query
            }
            Source::Soroban(soroban) => match &soroban.enumerate {
                Some(how) if self.kind.enumerates_parents() => return self.start_parents(cursor, here, soroban, how).await,
                Some(how) => enumerate(self.context, soroban, how, spec.key.len()).await?,
                None => return self.moved(cursor, here, KeyCursor::Done, None).await,
            },
            _ => return self.moved(cursor, here, KeyCursor::Done, None).await,
        };
        match keys {
            Keys::Range { first, last } if last < first => self.moved(cursor, here, KeyCursor::Done, None).await,
            Keys::Range { first, last } => self.moved(cursor, here, KeyCursor::Range { next: first, last }, None).await,
            Keys::List(keys) => {
                self.add(cursor, Task::Discover, self.kind.missing_of_list(&keys), |_| KindCursor { keys: KeyCursor::Done, ..here }).await
            }
            Keys::Query => self.add_query(cursor, here, None).await,
            Keys::Unknown(why) => self.gave_up(cursor, here, &why).await,
        }
    }

    async fn gave_up(&self, cursor: &Cursor, here: KindCursor, why: &str) -> anyhow::Result<Step> {
        let note = format!("{}: rows that are missing were not looked for: {why}", self.name);
        self.moved(cursor, here, KeyCursor::Done, Some(&note)).await
    }

    async fn add_range(&self, cursor: &Cursor, here: KindCursor, next: i64, last: i64) -> anyhow::Result<Step> {
        let end = next.saturating_add(self.context.settings.jobs_per_chunk - 1).min(last);
        self.add(cursor, Task::Discover, self.kind.missing_in_range(next, end), |_| KindCursor {
            keys: if end == last { KeyCursor::Done } else { KeyCursor::Range { next: end + 1, last } },
            ..here
        })
        .await
    }

    async fn add_query(&self, cursor: &Cursor, here: KindCursor, after: Option<&str>) -> anyhow::Result<Step> {
        let limit = self.context.settings.jobs_per_chunk;
        let after = after.map(|after| ChainKey(after.to_owned()));
        let Some(select) = self.kind.missing_of_query(after.as_ref(), limit) else {
            return self.moved(cursor, here, KeyCursor::Done, None).await;
        };
        self.add(cursor, Task::Discover, select, |added| KindCursor {
            keys: match &added.last_key {
                Some(last) if !is_last(added, limit) => KeyCursor::After(last.clone()),
                _ => KeyCursor::Done,
            },
            ..here
        })
        .await
    }

    /// One chunk: its jobs, their number and the new place, in one transaction.
    async fn add(&self, cursor: &Cursor, task: Task, select: Select, place: impl FnOnce(&Enqueued) -> KindCursor) -> anyhow::Result<Step> {
        let into = Destination {
            group: GroupId(self.run.0),
            task: task.as_str().to_owned(),
            kind: self.name.0.clone(),
            priority: if task == Task::Sieve { NewJob::BULKY } else { NewJob::PRIORITY },
            trace: self.trace.map(str::to_owned),
        };
        let mut tx = self.context.pools.write.begin().await?;
        let added = trueup_queue::enqueue_from(&mut tx, &into, &select.sql, select.arguments()?).await?;
        let next = self.at(cursor, place(&added));
        let claim = self.context.settings.enqueue_claim_secs;
        if !runs::add_chunk(&mut tx, self.run, i64::try_from(added.inserted)?, cursor, &next, claim).await? {
            return Ok(Step::Lost);
        }
        tx.commit().await?;
        self.context.count_statements(2);
        tracing::debug!(run = self.run.0, kind = %self.name, task = task.as_str(), jobs = added.inserted, "enqueued");
        Ok(Step::Moved(next))
    }

    async fn moved(&self, cursor: &Cursor, here: KindCursor, keys: KeyCursor, note: Option<&str>) -> anyhow::Result<Step> {
        let next = self.at(cursor, KindCursor { keys, ..here });
        let mut tx = self.context.pools.write.begin().await?;
        if let Some(note) = note {
            tracing::warn!(run = self.run.0, "{note}");
            runs::add_note(&mut tx, self.run, note).await?;
        }
        if !runs::add_chunk(&mut tx, self.run, 0, cursor, &next, self.context.settings.enqueue_claim_secs).await? {
            return Ok(Step::Lost);
        }
        tx.commit().await?;
        Ok(Step::Moved(next))
    }

    fn at(&self, cursor: &Cursor, here: KindCursor) -> Cursor {
        let mut kinds: BTreeMap<String, KindCursor> = cursor.0.clone();
        kinds.insert(self.name.0.clone(), here);
        Cursor(kinds)
    }
}

fn is_last(added: &Enqueued, limit: i64) -> bool {
    i64::try_from(added.seen).unwrap_or(i64::MAX) < limit
}

/// Postgres understood the statement and refused it.
fn is_refused(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<trueup_queue::Error>(), Some(trueup_queue::Error::Database(sqlx::Error::Database(_))))
}

/// Postgres did not answer, for reasons that have nothing to do with what it was asked.
fn is_passing(error: &anyhow::Error) -> bool {
    let of_queue = error.downcast_ref::<trueup_queue::Error>().and_then(|error| match error {
        trueup_queue::Error::Database(error) => Some(error),
        _ => None,
    });
    of_queue.or_else(|| error.downcast_ref::<sqlx::Error>()).is_some_and(trueup_queue::is_transient)
}
