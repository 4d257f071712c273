use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use trueup_chain::Intent;
use trueup_database::Kind;
use trueup_database::runs::{self, StoredPlan};
use trueup_judge::{ChainKey, PlanId, RowIdentity, RunId};
use trueup_queue::{Failure, Job};

use crate::context::Context;
use crate::look::{Look, Seeking, look_at_keys, look_at_rows};
use crate::matching::settle_provisional;

/// A plan with its job and its second look.
pub(super) struct SecondLook<'a> {
    pub(super) job: &'a Job,
    pub(super) plan: StoredPlan,
    pub(super) look: Look,
    pub(super) span: tracing::Span,
}

/// Loads the plans and looks at their entities again; one answer for each job, in order.
pub(super) async fn second_looks<'a>(
    context: &Context,
    kind: &Kind,
    jobs: &'a [Job],
    intent: Intent,
) -> anyhow::Result<Vec<Result<SecondLook<'a>, Failure>>> {
    let ids: Vec<PlanId> = jobs.iter().filter_map(|job| job.key.parse().ok().map(PlanId)).collect();
    let mut connection = context.pools.read.acquire().await?;
    let stored = runs::load_plans(&mut connection, &ids).await?;
    drop(connection);
    context.count_statements(1);
    let mut rows: Vec<RowIdentity> = Vec::new();
    let mut keys: Vec<ChainKey> = Vec::new();
    for plan in &stored {
        match (&plan.body.identity, &plan.body.chain_key) {
            (Some(identity), _) => rows.push(identity.clone()),
            (None, Some(key)) => keys.push(key.clone()),
            (None, None) => {}
        }
    }
    let (row_looks, key_looks) =
        tokio::join!(look_at_rows(context, kind, &rows, intent), look_at_keys(context, kind, &keys, context.chain.intent()));
    let row_looks: HashMap<RowIdentity, _> = rows.into_iter().zip(row_looks).collect();
    let mut matched = match_again(context, kind, &stored, &row_looks).await?;
    let key_looks: HashMap<ChainKey, _> = keys.into_iter().zip(key_looks).collect();
    let stored: HashMap<PlanId, StoredPlan> = stored.into_iter().map(|plan| (plan.id, plan)).collect();
    Ok(jobs
        .iter()
        .map(|job| {
            let plan = job
                .key
                .parse()
                .ok()
                .and_then(|id| stored.get(&PlanId(id)))
                .ok_or_else(|| Failure::permanent(format!("there is no plan `{}`", job.key)))?;
            if let Some(look) = plan.body.identity.as_ref().and_then(|row| matched.remove(&(plan.body.run, row.clone()))) {
                return Ok(SecondLook { job, span: entity_span(kind, job, plan), plan: plan.clone(), look });
            }
            let look = match (&plan.body.identity, &plan.body.chain_key) {
                (Some(identity), _) => row_looks.get(identity),
                (None, Some(key)) => key_looks.get(key),
                (None, None) => None,
            };
            let look = look.cloned().unwrap_or_else(|| Err(Failure::permanent("the plan is about no entity")))?;
            Ok(SecondLook { job, span: entity_span(kind, job, plan), plan: plan.clone(), look })
        })
        .collect())
}

/// Rows that look for their key are matched over the whole set once more, each run's for itself.
pub(super) async fn match_again(
    context: &Context,
    kind: &Kind,
    plans: &[StoredPlan],
    looks: &HashMap<RowIdentity, Result<Look, Failure>>,
) -> anyhow::Result<HashMap<(RunId, RowIdentity), Look>> {
    let mut by_run: BTreeMap<RunId, Vec<(RowIdentity, Seeking)>> = BTreeMap::new();
    for plan in plans {
        let look = plan.body.identity.as_ref().and_then(|row| Some((row, looks.get(row)?.as_ref().ok()?)));
        if let Some((row, Look { seeking: Some(seeking), .. })) = look {
            by_run.entry(plan.body.run).or_default().push((row.clone(), (**seeking).clone()));
        }
    }
    let mut matched = HashMap::new();
    for (id, seeking) in by_run {
        let mut connection = context.pools.read.acquire().await?;
        let run = runs::get(&mut connection, id).await?.with_context(|| format!("there is no run {id}"))?;
        // Whoever holds one connection while it waits for another may wait for somebody who does the same.
        drop(connection);
        context.count_statements(1);
        for (row, settled) in settle_provisional(context, kind, &run, &seeking, true).await?.rows {
            if let Some(Ok(look)) = looks.get(&row) {
                matched.insert((id, row), look.clone().settled(settled));
            }
        }
    }
    Ok(matched)
}

/// Each entity that drifted has a trace of its own, linked to its run's.
fn entity_span(kind: &Kind, job: &Job, plan: &StoredPlan) -> tracing::Span {
    let key =
        plan.body.identity.as_ref().map(|it| it.0.as_str()).or(plan.body.chain_key.as_ref().map(|it| it.0.as_str())).unwrap_or_default();
    let span =
        tracing::info_span!(parent: None, "entity", run = job.group.0, kind = %kind.spec().kind, key, job = job.id.0, plan = plan.id.0);
    if let Some(context) = job.trace.as_deref().and_then(crate::trace::parse) {
        span.add_link(context);
    }
    span
}
