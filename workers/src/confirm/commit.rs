use std::collections::{BTreeSet, HashMap};

use opentelemetry::trace::TraceContextExt;
use sqlx::PgConnection;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use trueup_database::contracts::{self, SeenContract};
use trueup_database::runs::{self, RepairState, Running};
use trueup_database::{Kind, Order, RepairOutcome, keep_checkpoints};
use trueup_judge::{Confirmation, EntityKind, HeldBack, Mode, PlanId, RunId};
use trueup_queue::{Ack, AckResult};

use super::Decided;
use super::settle::{Settling, settle};
use crate::context::Context;
use crate::matching::keep_over;
use crate::task::RUN_ENDED;

/// Who repairs, in the audit, where nobody approved it.
const ACTOR: &str = "trueup";

/// One transaction: still our leases, still a running run; then the writes, their audit, the conclusions and the acks.
pub(super) async fn commit(context: &Context, kind: &Kind, decided: Vec<Decided<'_>>) -> anyhow::Result<()> {
    if decided.is_empty() {
        return Ok(());
    }
    let mut tx = context.pools.write.begin().await?;
    let mut run_ids: Vec<RunId> = decided.iter().map(|it| RunId(it.job.group.0)).collect();
    run_ids.sort_unstable();
    run_ids.dedup();
    // Jobs before runs, as every ack takes them, so that no two of these wait for each other.
    let leases: Vec<_> = decided.iter().map(|it| (it.job.id, it.job.lease)).collect();
    let held = trueup_queue::fence(&mut tx, &leases).await?;
    let running: HashMap<RunId, Running> = runs::lock_running(&mut tx, &run_ids).await?.into_iter().map(|run| (run.id, run)).collect();
    let (decided, late): (Vec<Decided<'_>>, Vec<Decided<'_>>) =
        decided.into_iter().filter(|it| held.contains(&it.job.id)).partition(|it| running.contains_key(&RunId(it.job.group.0)));

    let repairs = |it: &Decided<'_>| running.get(&RunId(it.job.group.0)).is_some_and(|run| run.mode == Mode::Repair);
    let held_back = held_back(&mut tx, &kind.spec().kind, &decided, &running).await?;
    let orders: Vec<Order> = decided.iter().filter(|it| repairs(it) && !held_back.contains_key(&it.plan.id)).filter_map(order).collect();
    let outcomes: HashMap<PlanId, RepairOutcome> = if orders.is_empty() {
        HashMap::new()
    } else {
        let ids: Vec<PlanId> = orders.iter().map(|order| order.plan).collect();
        ids.into_iter().zip(kind.repair(&mut tx, &orders).await?).collect()
    };

    let mut acks: Vec<Ack> = late
        .iter()
        .map(|it| Ack { job: it.job.id, lease: it.job.lease, result: AckResult::Done { outcome: RUN_ENDED.to_owned() } })
        .collect();
    let mut conclusions = Vec::new();
    let mut second_reads = Vec::new();
    let over = decided.iter().filter(|it| matches!(it.confirmation, Confirmation::Confirmed(_)));
    let over = over.filter_map(|it| it.plan.body.identity.as_ref().zip(it.creation_over.as_deref()));
    keep_over(&mut tx, &kind.spec().kind, over).await?;
    let checkpoints: Vec<_> = decided.iter().filter_map(|it| it.plan.body.identity.clone().zip(it.remember.clone())).collect();
    keep_checkpoints(&mut tx, &context.pools.statements, &kind.spec().kind, &checkpoints).await?;
    for it in decided {
        let _entered = it.span.clone().entered();
        let settling = settle(context, kind, &it, outcomes.get(&it.plan.id), held_back.get(&it.plan.id), repairs(&it));
        let (job, plan) = (it.job, it.plan.id);
        let result = match settling {
            Settling::LookAgain { after, reason, plan: second } => {
                second_reads.extend(second.map(|second| (plan, it.plan.body.chain_key.clone(), second)));
                AckResult::Again { after, reason: reason.to_string() }
            }
            Settling::Concluded(conclusion) => {
                tracing::info!(verdict = %conclusion.verdict, repair = conclusion.repair.map(RepairState::as_str), "confirmed");
                let outcome = conclusion.verdict.to_string();
                conclusions.push(conclusion);
                AckResult::Done { outcome }
            }
        };
        acks.push(Ack { job: job.id, lease: job.lease, result });
    }
    runs::keep_second_read(&mut tx, &second_reads).await?;
    runs::conclude(&mut tx, &conclusions).await?;
    context.queue.ack(&mut tx, &acks).await?;
    tx.commit().await?;
    context.count_statements(8);
    Ok(())
}

/// The confirmed plans that must not be executed, and why: invariant 8. What contracts run is asked now, in the
/// transaction of the writes.
async fn held_back(
    tx: &mut PgConnection,
    kind: &EntityKind,
    decided: &[Decided<'_>],
    running: &HashMap<RunId, Running>,
) -> Result<HashMap<PlanId, HeldBack>, sqlx::Error> {
    let would_write = |it: &&Decided<'_>| {
        running.get(&RunId(it.job.group.0)).is_some_and(|run| run.mode == Mode::Repair)
            && matches!(&it.confirmation, Confirmation::Confirmed(plan) if plan.action.writes())
    };
    let would_write: Vec<&Decided<'_>> = decided.iter().filter(would_write).collect();
    let seen: BTreeSet<SeenContract> = would_write.iter().flat_map(|it| it.contracts.iter().cloned()).collect();
    let check = contracts::check(tx, &seen).await?;
    let why = |it: &Decided<'_>| {
        let of_run = running.get(&RunId(it.job.group.0)).and_then(|run| run.held_back.first(kind).cloned());
        let no_instance = (!it.with_instance).then_some(HeldBack::NoInstance);
        no_instance.or(of_run).or_else(|| it.contracts.iter().find_map(|seen| check.held_back(seen)))
    };
    Ok(would_write.into_iter().filter_map(|it| Some((it.plan.id, why(it)?))).collect())
}

/// The write that a confirmed plan asks for; none without the agreement of a second endpoint, where one is asked for.
fn order(it: &Decided<'_>) -> Option<Order> {
    let Confirmation::Confirmed(plan) = &it.confirmation else { return None };
    if !plan.action.writes() || it.second.objection().is_some() {
        return None;
    }
    let (actor, reason) = match &it.plan.approval {
        Some(approval) => (approval.actor.clone(), Some(approval.reason.clone())),
        None => (ACTOR.to_owned(), None),
    };
    Some(Order {
        plan: it.plan.id,
        run: RunId(it.job.group.0),
        job: it.job.id.0,
        lease: it.job.lease.0,
        identity: it.plan.body.identity.clone(),
        chain_key: it.plan.body.chain_key.clone(),
        body: plan.clone(),
        chain_entry: it.chain_entry.clone(),
        trace: trace_id(&it.span),
        actor,
        reason,
    })
}

fn trace_id(span: &tracing::Span) -> Option<String> {
    let context = span.context();
    let context = context.span().span_context().clone();
    context.is_valid().then(|| context.trace_id().to_string())
}
