//! The first look of an incremental sweep: of a range of rows at once, only at whether they have moved.
//!
//! A row that has the version of its last clean verdict, whose entries have theirs, is in sync, and has no job. What has
//! moved, and whatever cannot be told, gets the job that it would have in a full sweep.

use std::collections::BTreeSet;

use anyhow::Context as _;
use trueup_chain::Intent;
use trueup_database::{Kind, RowRange, Sieved, StillRow};
use trueup_judge::{HeldBack, RowIdentity, RunId};
use trueup_queue::{Ack, AckResult, Destination, Failure, Handled, Job, NewJob};
use trueup_spec::Source;

use crate::batcher::Answer;
use crate::context::Context;
use crate::contracts::{self, SeenByRun};
use crate::look::{Sight, see_entries};
use crate::task::{RUN_ENDED, Task};

/// How many failures of a range's reads are waited out, before its rows get jobs that wait each for themselves.
const PATIENT_FAILURES: i32 = 2;

/// What came of a range.
struct Sifted {
    moved: Vec<RowIdentity>,
    unmoved: usize,
    held_back: Vec<(RunId, HeldBack)>,
}

/// Sieves ranges, one after the other: the key of each job is a [`RowRange`] as JSON.
pub(crate) async fn sieve(context: Context, kind: &Kind, jobs: Vec<Job>, intent: Intent) -> Vec<Answer> {
    let mut intent = Some(intent);
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let intent = intent.take().unwrap_or_else(|| context.chain.intent());
        answers.push(match serde_json::from_str(&job.key) {
            Ok(range) => sieve_range(&context, kind, &job, &range, intent).await,
            Err(error) => Err(Failure::permanent(format!("`{}` is no range of rows: {error}", job.key))),
        });
    }
    answers
}

async fn sieve_range(context: &Context, kind: &Kind, job: &Job, range: &RowRange, intent: Intent) -> Answer {
    let passing = |error: &dyn std::fmt::Display| Failure::passing(error.to_string());
    match kind.sieve(&context.pools.read, range).await.map_err(|error| passing(&error))? {
        Ok(sieved) => {
            let sifted = sift(context, kind, job, sieved, intent).await?;
            settle(context, kind, job, sifted).await.map_err(|error| passing(&format!("{error:#}")))
        }
        // A row on which `where` fails to evaluate: its own job says so.
        Err(error) => {
            tracing::warn!(run = job.group.0, kind = %kind.spec().kind, %error, "a range is looked at row by row");
            enqueue_all(context, kind, job, range).await.map_err(|error| passing(&format!("{error:#}")))
        }
    }
}

/// Asks the chain about the rows that have not moved.
async fn sift(context: &Context, kind: &Kind, job: &Job, sieved: Sieved, intent: Intent) -> Result<Sifted, Failure> {
    let run = RunId(job.group.0);
    let Sieved { mut moved, still } = sieved;
    let Source::Soroban(soroban) = &kind.spec().source else {
        moved.extend(still.into_iter().map(|row| row.identity));
        return Ok(Sifted { moved, unmoved: 0, held_back: Vec::new() });
    };
    let sights = see_entries(context, soroban, still.iter().map(|row| &row.located), intent).await;
    if let (Some(Err(failure)), true) = (sights.first(), sights.iter().all(Result::is_err)) {
        // Nobody answers. One job that is tried again costs less than one for each row.
        if job.failures < PATIENT_FAILURES {
            return Err(failure.clone());
        }
    }
    let mut unmoved = Vec::with_capacity(still.len());
    let mut seen = BTreeSet::new();
    for (row, sight) in still.into_iter().zip(sights) {
        match sight {
            Ok(Some(sight)) if is_as_it_was(&row, &sight) => {
                context.meter.saw_ledger(run, sight.ledger);
                seen.extend(sight.contracts);
                unmoved.push(row.identity);
            }
            _ => moved.push(row.identity),
        }
    }
    // Behind code that nobody has accepted, each row is looked at.
    let held_back = contracts::first_looks(context, &SeenByRun::from([(run, seen)])).await;
    let held_back = held_back.map_err(|error| Failure::passing(error.to_string()))?;
    if !held_back.is_empty() {
        moved.append(&mut unmoved);
    }
    Ok(Sifted { moved, unmoved: unmoved.len(), held_back })
}

/// An answer that is older than one that was applied to the row says nothing of now.
fn is_as_it_was(row: &StillRow, sight: &Sight) -> bool {
    sight.mark == Some(row.entry_mark) && row.located.floor.is_none_or(|floor| i64::from(sight.ledger) >= floor)
}

/// Jobs, counts and ack in one transaction: a range whose worker is killed is sieved again, and counted once.
async fn settle(context: &Context, kind: &Kind, job: &Job, sifted: Sifted) -> anyhow::Result<Handled> {
    let name = &kind.spec().kind;
    let jobs: Vec<NewJob> = sifted
        .moved
        .into_iter()
        .map(|row| NewJob { trace: job.trace.clone(), ..NewJob::new(job.group, Task::Detect.as_str(), name.0.clone(), row.0) })
        .collect();
    let mut tx = context.pools.write.begin().await?;
    if !trueup_queue::fence(&mut tx, &[(job.id, job.lease)]).await?.contains(&job.id) {
        return Ok(Handled::AlreadyAcked);
    }
    let added = trueup_queue::enqueue(&mut tx, &jobs).await?;
    if !finish(context, &mut tx, kind, job, added, sifted.unmoved).await? {
        return give_up(context, tx).await;
    }
    contracts::hold_back(&mut tx, name, &sifted.held_back).await?;
    tx.commit().await?;
    Ok(Handled::AlreadyAcked)
}

/// Every row of the range gets its job, also one that `where` exempts: its job says so.
async fn enqueue_all(context: &Context, kind: &Kind, job: &Job, range: &RowRange) -> anyhow::Result<Handled> {
    let select = kind.rows_of_range(range)?;
    let into = Destination {
        group: job.group,
        task: Task::Detect.as_str().to_owned(),
        kind: kind.spec().kind.0.clone(),
        priority: NewJob::PRIORITY,
        trace: job.trace.clone(),
    };
    let mut tx = context.pools.write.begin().await?;
    if !trueup_queue::fence(&mut tx, &[(job.id, job.lease)]).await?.contains(&job.id) {
        return Ok(Handled::AlreadyAcked);
    }
    let added = trueup_queue::enqueue_from(&mut tx, &into, &select.sql, select.arguments()?).await?.inserted;
    if !finish(context, &mut tx, kind, job, added, 0).await? {
        return give_up(context, tx).await;
    }
    tx.commit().await?;
    Ok(Handled::AlreadyAcked)
}

/// The run has ended: nothing is added to it, and the job comes to its end.
async fn give_up(context: &Context, tx: sqlx::PgTransaction<'static>) -> anyhow::Result<Handled> {
    tx.rollback().await?;
    context.count_statements(1);
    Ok(Handled::Ack(RUN_ENDED.to_owned()))
}

/// Counts first, since the ack may end the phase. False, and nothing may be committed, if the run has ended.
async fn finish(
    context: &Context,
    tx: &mut sqlx::PgConnection,
    kind: &Kind,
    job: &Job,
    added: u64,
    unmoved: usize,
) -> anyhow::Result<bool> {
    let (added, unmoved) = (i64::try_from(added)?, i64::try_from(unmoved)?);
    if !trueup_database::runs::add_sieved(tx, RunId(job.group.0), &kind.spec().kind, added, unmoved).await.context("counting a range")? {
        return Ok(false);
    }
    let result = AckResult::Done { outcome: format!("sieved: {added} moved, {unmoved} not") };
    context.queue.ack(tx, &[Ack { job: job.id, lease: job.lease, result }]).await?;
    context.count_statements(4);
    Ok(true)
}
