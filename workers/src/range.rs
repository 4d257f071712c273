//! The first look of a sweep: at a range of rows at once.
//!
//! What is in sync is counted, and what drifts gets its plan: neither has a job of its own. Every other row has one. It
//! is looked at again there, with tries of its own, if it could not be read, is settling or looks for its key. Where the
//! verdict is final (it is skipped, the chain's answer cannot be used), the job brings it along, for whoever asks which
//! rows they were.

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::time::Instant;
use trueup_chain::Intent;
use trueup_database::runs::{self, NewPlan, Ranged};
use trueup_database::{Fingerprint, Kind, RowRange, Sieved, keep_checkpoints, keep_fingerprints};
use trueup_judge::{HeldBack, RowIdentity, RunId, Verdict};
use trueup_queue::{Ack, AckResult, Destination, Failure, Handled, Job, NewJob};
use trueup_spec::Source;

use crate::batcher::Answer;
use crate::context::Context;
use crate::contracts::{self, SeenByRun};
use crate::detect::first_result;
use crate::look::{LocatedRows, Look, look_at_located};
use crate::sieve::{Sifted, sift};
use crate::task::{RUN_ENDED, Task};

/// How many failures of a range's reads are waited out, before its rows get jobs that wait each for themselves.
pub(crate) const PATIENT_FAILURES: i32 = 2;

/// In the payload of a job that is decided.
const VERDICT: &str = "verdict";

/// Whether many rows of a kind cost few calls. Where each costs calls of its own, a range would be minutes of work
/// that nobody else can take over.
pub(crate) fn is_by_range(source: &Source) -> bool {
    matches!(source, Source::Soroban(_) | Source::AssetBalance(_) | Source::Account(_))
}

/// Looks at ranges, one after the other: the key of each job is a [`RowRange`] as JSON.
pub(crate) async fn look_at_ranges(context: Context, kind: &Kind, jobs: Vec<Job>, intent: Intent) -> Vec<Answer> {
    let mut intent = Some(intent);
    let mut answers = Vec::with_capacity(jobs.len());
    for job in jobs {
        let intent = intent.take().unwrap_or_else(|| context.chain.intent());
        answers.push(match serde_json::from_str(&job.key) {
            Ok(range) => look_at_range(&context, kind, &job, &range, intent).await,
            Err(error) => Err(Failure::permanent(format!("`{}` is no range of rows: {error}", job.key))),
        });
    }
    answers
}

fn passing(error: &dyn std::fmt::Display) -> Failure {
    Failure::passing(error.to_string())
}

async fn look_at_range(context: &Context, kind: &Kind, job: &Job, range: &RowRange, intent: Intent) -> Answer {
    // One of its rows may be why a process vanished: that row's own job will show it.
    if job.is_suspect {
        return row_by_row(context, kind, job, range).await.map_err(|error| passing(&format!("{error:#}")));
    }
    let sieved = if range.full {
        let rows = kind.rows_in(&context.pools.read, range).await.map_err(|error| passing(&error))?;
        rows.map(|moved| Sieved { moved, still: Vec::new() })
    } else {
        kind.sieve(&context.pools.read, range).await.map_err(|error| passing(&error))?
    };
    let settled = match sieved {
        Ok(Sieved { moved, still }) => {
            // Side by side, so that the keys of both share calls.
            let looking = look(context, kind, job, range, moved, context.chain.intent());
            let (seen, sifted) = tokio::join!(looking, sift(context, kind, job, still, intent));
            let (mut seen, Sifted { moved, unmoved, held_back }) = (seen?, sifted?);
            seen.join(look(context, kind, job, range, moved, context.chain.intent()).await?);
            let held_back = [held_back, contracts::first_looks(context, &seen.contracts).await.map_err(|error| passing(&error))?].concat();
            settle(context, kind, job, unmoved, seen, &held_back).await
        }
        // A row on which `where` fails to evaluate: its own job says so.
        Err(error) => {
            tracing::warn!(run = job.group.0, kind = %kind.spec().kind, %error, "a range is looked at row by row");
            row_by_row(context, kind, job, range).await
        }
    };
    settled.map_err(|error| passing(&format!("{error:#}")))
}

/// What was seen of a range's rows.
#[derive(Default)]
struct SeenOfRange {
    /// Those that are looked at by jobs of their own.
    apart: Vec<RowIdentity>,
    /// Those whose jobs have nothing to do but to say this.
    decided: Vec<(RowIdentity, String)>,
    in_sync: usize,
    plans: Vec<NewPlan>,
    fingerprints: Vec<(RowIdentity, Fingerprint)>,
    checkpoints: Vec<(RowIdentity, Value)>,
    contracts: SeenByRun,
}

/// Looks at all rows at once or, where there is somebody to give way to, at one part after the other.
async fn look(
    context: &Context,
    kind: &Kind,
    job: &Job,
    range: &RowRange,
    mut rows: Vec<RowIdentity>,
    intent: Intent,
) -> Result<SeenOfRange, Failure> {
    let mut seen = SeenOfRange::default();
    let (all, mut intent) = (rows.len(), Some(intent));
    while !rows.is_empty() {
        let begun = Instant::now();
        let intent = intent.take().unwrap_or_else(|| context.chain.intent());
        let part: Vec<RowIdentity> = rows.drain(..context.throttle.part_of(rows.len())).collect();
        // For a part, Postgres would read all of the range.
        let range = (part.len() == all).then_some(range);
        seen.join(look_at_part(context, kind, job, range, part, intent).await?);
        if !rows.is_empty() {
            context.throttle.rest(begun).await;
        }
    }
    Ok(seen)
}

async fn look_at_part(
    context: &Context,
    kind: &Kind,
    job: &Job,
    range: Option<&RowRange>,
    rows: Vec<RowIdentity>,
    intent: Intent,
) -> Result<SeenOfRange, Failure> {
    let mut seen = SeenOfRange::default();
    let located = kind.locate_in(&context.pools.read, range, &rows).await.map_err(|error| passing(&error))?;
    let mut there = LocatedRows::with_capacity(located.len());
    for (identity, located) in located {
        match located {
            Ok(located) if !located.provisional => there.push((identity, located)),
            _ => seen.apart.push(identity),
        }
    }
    let looks = look_at_located(context, kind, range, there, intent).await.map_err(|error| passing(&error))?;
    if looks.iter().all(|(_, look)| look.is_err()) && job.failures < PATIENT_FAILURES {
        // Nobody answers. One job that is tried again costs less than one for each row.
        let passes = looks.iter().filter_map(|(_, look)| look.as_ref().err()).find(|failure| !failure.permanent);
        if let Some(failure) = passes {
            return Err(failure.clone());
        }
    }
    for (identity, look) in looks {
        match look {
            Ok(look) => seen.add(context, kind, job, identity, look),
            Err(_) => seen.apart.push(identity),
        }
    }
    Ok(seen)
}

/// The verdict that a job brings along.
pub(crate) fn decided(job: &Job) -> Option<&str> {
    job.payload.as_ref()?.get(VERDICT)?.as_str()
}

// === impl SeenOfRange ===

impl SeenOfRange {
    fn join(&mut self, more: Self) {
        let Self { apart, decided, in_sync, plans, fingerprints, checkpoints, contracts } = more;
        self.apart.extend(apart);
        self.decided.extend(decided);
        self.in_sync += in_sync;
        self.plans.extend(plans);
        self.fingerprints.extend(fingerprints);
        self.checkpoints.extend(checkpoints);
        for (run, contracts) in contracts {
            self.contracts.entry(run).or_default().extend(contracts);
        }
    }

    fn add(&mut self, context: &Context, kind: &Kind, job: &Job, identity: RowIdentity, look: Look) {
        let run = RunId(job.group.0);
        let outcome = match first_result(context, job, &look) {
            AckResult::Done { outcome } if look.seeking.is_none() => outcome,
            _ => return self.apart.push(identity),
        };
        if let Some(ledger) = look.ledger {
            context.meter.saw_ledger(run, ledger);
        }
        self.contracts.entry(run).or_default().extend(look.contracts);
        self.fingerprints.extend(look.fingerprint.map(|fingerprint| (identity.clone(), fingerprint)));
        self.checkpoints.extend(look.remember.map(|checkpoint| (identity.clone(), checkpoint)));
        match look.judgement.plan {
            Some(plan) => {
                let kind = kind.spec().kind.clone();
                self.plans.push(NewPlan { run, kind, identity: Some(identity), chain_key: look.chain_key, plan });
            }
            None if look.judgement.verdict == Verdict::InSync => self.in_sync += 1,
            None => {
                // One of a range tells what is wrong with all, and a million rows are not a million lines.
                if let (Some(detail), Verdict::Unknown(_), true) = (&look.detail, look.judgement.verdict, self.decided.is_empty()) {
                    tracing::info!(run = run.0, kind = %kind.spec().kind, key = %identity, verdict = outcome, detail, "the chain's answer cannot be used");
                }
                self.decided.push((identity, outcome));
            }
        }
    }
}

/// Plans, jobs, counts and ack in one transaction: a range whose worker is killed is looked at again, and counted once.
async fn settle(
    context: &Context,
    kind: &Kind,
    job: &Job,
    unmoved: usize,
    seen: SeenOfRange,
    held_back: &[(RunId, HeldBack)],
) -> anyhow::Result<Handled> {
    let name = &kind.spec().kind;
    let new_job = |row: RowIdentity, payload| NewJob {
        trace: job.trace.clone(),
        payload,
        ..NewJob::new(job.group, Task::Detect.as_str(), name.0.clone(), row.0)
    };
    let decided = seen.decided.into_iter().map(|(row, verdict)| new_job(row, Some(json!({ VERDICT: verdict }))));
    let jobs: Vec<NewJob> = seen.apart.into_iter().map(|row| new_job(row, None)).chain(decided).collect();
    let mut tx = context.pools.write.begin().await?;
    keep_fingerprints(&mut tx, &context.pools.statements, name, &seen.fingerprints).await?;
    if !trueup_queue::fence(&mut tx, &[(job.id, job.lease)]).await?.contains(&job.id) {
        return Ok(Handled::AlreadyAcked);
    }
    runs::insert_plans(&mut tx, &seen.plans).await?;
    keep_checkpoints(&mut tx, &context.pools.statements, name, &seen.checkpoints).await?;
    let ranged = Ranged {
        jobs: trueup_queue::enqueue(&mut tx, &jobs).await?,
        unmoved: u64::try_from(unmoved)?,
        in_sync: u64::try_from(seen.in_sync)?,
        suspected: u64::try_from(seen.plans.len())?,
    };
    if !finish(context, &mut tx, kind, job, ranged).await? {
        return give_up(context, tx).await;
    }
    contracts::hold_back(&mut tx, name, held_back).await?;
    tx.commit().await?;
    Ok(Handled::AlreadyAcked)
}

/// Every row of the range gets its job, also one that `where` exempts: its job says so.
async fn row_by_row(context: &Context, kind: &Kind, job: &Job, range: &RowRange) -> anyhow::Result<Handled> {
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
    let jobs = trueup_queue::enqueue_from(&mut tx, &into, &select.sql, select.arguments()?).await?.inserted;
    if !finish(context, &mut tx, kind, job, Ranged { jobs, ..Ranged::default() }).await? {
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
async fn finish(context: &Context, tx: &mut sqlx::PgConnection, kind: &Kind, job: &Job, ranged: Ranged) -> anyhow::Result<bool> {
    if !runs::add_ranged(tx, RunId(job.group.0), &kind.spec().kind, ranged).await.context("counting a range")? {
        return Ok(false);
    }
    let Ranged { jobs, unmoved, in_sync, suspected } = ranged;
    let outcome = format!("{unmoved} unmoved, {in_sync} in sync, {suspected} with a plan, {jobs} with a job");
    let result = AckResult::Done { outcome };
    context.queue.ack(tx, &[Ack { job: job.id, lease: job.lease, result }]).await?;
    context.count_statements(4);
    Ok(true)
}
