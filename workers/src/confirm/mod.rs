//! Phase 2: a second look at what drifted; what is still so is repaired, in mode `repair`.

mod agree;
mod commit;
mod second;
mod settle;

use std::collections::{BTreeMap, HashSet};

use trueup_chain::Intent;
use trueup_database::Kind;
use trueup_database::contracts::SeenContract;
use trueup_database::runs::StoredPlan;
use trueup_judge::{Confirmation, RunId, confirm, confirm_approved};
use trueup_queue::{Failure, Handled, Job, JobId};

use crate::batcher::Answer;
use crate::context::Context;
use second::{SecondLook, second_looks};

/// How many plans whose job failed once are concluded in one transaction.
const TOGETHER_AFTER_A_FAILURE: usize = 16;

/// Confirms plans: the key of each job is a plan's id.
pub(crate) async fn confirm_plans(context: Context, kind: &Kind, jobs: Vec<Job>, intent: Intent) -> Vec<Answer> {
    match second_looks(&context, kind, &jobs, intent).await {
        Ok(looks) => finish(&context, kind, &jobs, looks).await,
        Err(error) => vec![Err(Failure::passing(error.to_string())); jobs.len()],
    }
}

/// What a confirmation asks to be done.
struct Decided<'a> {
    job: &'a Job,
    plan: StoredPlan,
    span: tracing::Span,
    chain_entry: Option<String>,
    with_instance: bool,
    contracts: Vec<SeenContract>,
    settles_in_secs: i64,
    detail: Option<String>,
    /// The hash of a creating transaction that failed or expired.
    creation_over: Option<String>,
    confirmation: Confirmation,
    second: agree::Second,
    /// What the second endpoint's next look at the row should know.
    remember: Option<serde_json::Value>,
}

async fn finish(context: &Context, kind: &Kind, jobs: &[Job], looks: Vec<Result<SecondLook<'_>, Failure>>) -> Vec<Answer> {
    let jobs: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    let mut answers = Vec::with_capacity(looks.len());
    let mut decided = Vec::with_capacity(looks.len());
    for look in looks {
        match look {
            Ok(SecondLook { job, mut plan, look, span }) => {
                if let Some(ledger) = look.ledger {
                    context.meter.saw_ledger(RunId(job.group.0), ledger);
                }
                // A row may have been given its true key since the first look.
                plan.body.chain_key = look.chain_key.or(plan.body.chain_key);
                let creation_over = look.seeking.as_ref().and_then(|seeking| seeking.over()).map(str::to_owned);
                let confirmation = match &plan.approval {
                    Some(_) => confirm_approved(&plan.body.plan, look.judgement),
                    None => confirm(&plan.body.plan, look.judgement),
                };
                decided.push(Decided {
                    job,
                    plan,
                    span,
                    chain_entry: look.chain_entry,
                    with_instance: look.with_instance,
                    contracts: look.contracts,
                    settles_in_secs: look.settles_in_secs,
                    detail: look.detail,
                    creation_over,
                    confirmation,
                    second: agree::Second::NotNeeded,
                    remember: None,
                });
                answers.push(Ok(Handled::AlreadyAcked));
            }
            Err(failure) => answers.push(Err(failure)),
        }
    }
    if let Err(error) = agree::ask_second(context, kind, &mut decided).await {
        let failure = Failure::passing(error.to_string());
        return answers.into_iter().map(|answer| answer.and(Err(failure.clone()))).collect();
    }
    for together in apart(decided) {
        let ids: HashSet<JobId> = together.iter().map(|it| it.job.id).collect();
        if let Err(error) = commit::commit(context, kind, together).await {
            let failure = Failure::passing(error.to_string());
            let its = jobs.iter().zip(&mut answers).filter(|(id, answer)| ids.contains(id) && answer.is_ok());
            its.for_each(|(_, answer)| *answer = Err(failure.clone()));
        }
    }
    answers
}

/// What one transaction concludes. What keeps a transaction from being committed (a lock, a statement that takes too
/// long) fails all that is in it: those that failed before are concluded a few at a time, and then alone, so that in
/// the end only the one fails that is the reason.
fn apart(decided: Vec<Decided<'_>>) -> Vec<Vec<Decided<'_>>> {
    let mut groups: BTreeMap<(usize, usize), Vec<Decided<'_>>> = BTreeMap::new();
    let mut placed: BTreeMap<usize, usize> = BTreeMap::new();
    for it in decided {
        let together = match it.job.failures {
            ..=0 => usize::MAX,
            1 => TOGETHER_AFTER_A_FAILURE,
            _ => 1,
        };
        let place = placed.entry(together).or_default();
        groups.entry((together, *place / together)).or_default().push(it);
        *place += 1;
    }
    groups.into_values().collect()
}
