//! Phase 1: a first look at entities. Verdicts are final, but for drift, which becomes a plan to be confirmed.

use std::time::Duration;

use serde_json::Value;
use trueup_chain::Intent;
use trueup_database::runs::{self, NewPlan};
use trueup_database::{Fingerprint, Kind, keep_checkpoints, keep_fingerprints};
use trueup_judge::{ChainKey, RowIdentity, RunId, SettlingReason, UnknownReason, Verdict};
use trueup_queue::{Ack, AckResult, Failure, Handled, Job};

use crate::batcher::Answer;
use crate::context::Context;
use crate::contracts::{self, SeenByRun};
use crate::look::{Look, look_at_keys, look_at_rows};
use crate::matching::{Sought, keep_sought};

/// Detects rows: the key of each job is a row identity.
pub(crate) async fn detect(context: Context, kind: &Kind, jobs: Vec<Job>, intent: Intent) -> Vec<Answer> {
    let rows: Vec<RowIdentity> = jobs.iter().map(|job| RowIdentity(job.key.clone())).collect();
    let looks = look_at_rows(&context, kind, &rows, intent).await;
    let identities = rows.into_iter().map(Some).collect();
    settle(&context, kind, jobs, identities, looks).await
}

/// Discovers missing rows: the key of each job is a chain key.
pub(crate) async fn discover(context: Context, kind: &Kind, jobs: Vec<Job>, intent: Intent) -> Vec<Answer> {
    let keys: Vec<ChainKey> = jobs.iter().map(|job| ChainKey(job.key.clone())).collect();
    let looks = look_at_keys(&context, kind, &keys, intent).await;
    let identities = vec![None; jobs.len()];
    settle(&context, kind, jobs, identities, looks).await
}

/// What looks leave behind besides their verdicts.
#[derive(Default)]
struct Effects<'a> {
    fingerprints: Vec<(RowIdentity, Fingerprint)>,
    plans: Vec<(&'a Job, NewPlan)>,
    checkpoints: Vec<(&'a Job, RowIdentity, Value)>,
    sought: Vec<(&'a Job, Sought)>,
}

/// Commits what the looks came to: plans and acks together.
async fn settle(
    context: &Context,
    kind: &Kind,
    jobs: Vec<Job>,
    identities: Vec<Option<RowIdentity>>,
    looks: Vec<Result<Look, Failure>>,
) -> Vec<Answer> {
    let mut answers: Vec<Answer> = Vec::with_capacity(jobs.len());
    let mut acks = Vec::with_capacity(jobs.len());
    let mut effects = Effects::default();
    let mut told = false;
    let mut contracts = SeenByRun::new();
    for ((job, identity), look) in jobs.iter().zip(identities).zip(looks) {
        match look {
            Ok(look) => {
                if let Some(ledger) = look.ledger {
                    context.meter.saw_ledger(RunId(job.group.0), ledger);
                }
                // One of a batch tells what is wrong with all, and a million rows are not a million lines.
                let verdict = look.judgement.verdict;
                if let (Some(detail), Verdict::Unknown(_), false) = (&look.detail, verdict, told) {
                    told = true;
                    let kind = &kind.spec().kind;
                    tracing::info!(run = job.group.0, %kind, key = job.key, %verdict, detail, "the chain's answer cannot be used");
                }
                acks.push(Ack { job: job.id, lease: job.lease, result: first_result(context, job, &look) });
                if let (Some(identity), Some(fingerprint)) = (&identity, look.fingerprint) {
                    effects.fingerprints.push((identity.clone(), fingerprint));
                }
                if let (Some(identity), Some(checkpoint)) = (&identity, look.remember) {
                    effects.checkpoints.push((job, identity.clone(), checkpoint));
                }
                if let (Some(identity), Some(seeking)) = (&identity, look.seeking) {
                    effects.sought.push((job, Sought { row: identity.clone(), verdict: look.judgement.verdict, seeking: *seeking }));
                }
                contracts.entry(RunId(job.group.0)).or_default().extend(look.contracts);
                if let Some(plan) = look.judgement.plan {
                    effects.plans.push((
                        job,
                        NewPlan { run: RunId(job.group.0), kind: kind.spec().kind.clone(), identity, chain_key: look.chain_key, plan },
                    ));
                }
                answers.push(Ok(Handled::AlreadyAcked));
            }
            Err(failure) => answers.push(Err(failure)),
        }
    }
    if let Err(error) = commit(context, kind, &acks, effects, &contracts).await {
        let failure = Failure::passing(error.to_string());
        answers.iter_mut().filter(|answer| answer.is_ok()).for_each(|answer| *answer = Err(failure.clone()));
    }
    answers
}

/// What a first look at an entity comes to: its verdict, or another look.
pub(crate) fn first_result(context: &Context, job: &Job, look: &Look) -> AckResult {
    let verdict = look.judgement.verdict;
    match verdict {
        Verdict::Settling(reason) if job.looks < context.settings.max_looks => {
            let settles_in = Duration::from_secs(u64::try_from(look.settles_in_secs).unwrap_or_default());
            // What only waits for its grace is looked at when that is over; what moves, in a moment.
            let after =
                if reason == SettlingReason::RecentlyChanged { settles_in } else { settles_in.max(context.settings.look_again_after) };
            AckResult::Again { after, reason: verdict.to_string() }
        }
        Verdict::InSync if look.nearly && job.looks < context.settings.max_looks => {
            AckResult::Again { after: context.settings.look_again_after, reason: verdict.to_string() }
        }
        // The chain was moving while it was read.
        Verdict::Unknown(UnknownReason::Inconsistent) if job.looks < context.settings.max_looks => {
            AckResult::Again { after: context.settings.look_again_after, reason: verdict.to_string() }
        }
        _ => AckResult::Done { outcome: verdict.to_string() },
    }
}

async fn commit(
    context: &Context,
    kind: &Kind,
    acks: &[Ack],
    Effects { fingerprints, plans, checkpoints, sought }: Effects<'_>,
    contracts: &SeenByRun,
) -> anyhow::Result<()> {
    if acks.is_empty() {
        return Ok(());
    }
    let held_back = contracts::first_looks(context, contracts).await?;
    let mut tx = context.pools.write.begin().await?;
    keep_fingerprints(&mut tx, &context.pools.statements, &kind.spec().kind, &fingerprints).await?;
    if !plans.is_empty() || !checkpoints.is_empty() || !sought.is_empty() {
        let with_plan = plans.iter().map(|(job, _)| *job).chain(sought.iter().map(|(job, _)| *job));
        let mut jobs: Vec<_> = with_plan.chain(checkpoints.iter().map(|(job, ..)| *job)).map(|job| (job.id, job.lease)).collect();
        jobs.sort_unstable_by_key(|(job, _)| job.0);
        jobs.dedup();
        let held = trueup_queue::fence(&mut tx, &jobs).await?;
        let plans: Vec<NewPlan> = plans.into_iter().filter(|(job, _)| held.contains(&job.id)).map(|(_, plan)| plan).collect();
        runs::insert_plans(&mut tx, &plans).await?;
        let checkpoints: Vec<(RowIdentity, Value)> =
            checkpoints.into_iter().filter(|(job, ..)| held.contains(&job.id)).map(|(_, row, checkpoint)| (row, checkpoint)).collect();
        keep_checkpoints(&mut tx, &context.pools.statements, &kind.spec().kind, &checkpoints).await?;
        let sought: Vec<(RunId, Sought)> =
            sought.into_iter().filter(|(job, _)| held.contains(&job.id)).map(|(job, it)| (RunId(job.group.0), it)).collect();
        keep_sought(&mut tx, &kind.spec().kind, &sought).await?;
    }
    context.queue.ack(&mut tx, acks).await?;
    contracts::hold_back(&mut tx, &kind.spec().kind, &held_back).await?;
    tx.commit().await?;
    context.count_statements(4);
    Ok(())
}
