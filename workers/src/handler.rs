//! Which job goes where.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::trace::TraceContextExt;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use trueup_chain::Chain;
use trueup_judge::EntityKind;
use trueup_queue::{Failure, Handled, Handler, Job};
use trueup_spec::Source;

use crate::aggregate::aggregate;
use crate::batcher::{Answer, Batcher, Limits, Process};
use crate::confirm::confirm_plans;
use crate::context::Context;
use crate::detect::{detect, discover};
use crate::matching::match_plans;
use crate::sieve::sieve;
use crate::task::Task;
use crate::touch::is_of_touch;

/// Hands jobs to what works on them.
#[derive(Clone)]
pub(crate) struct Jobs(Arc<Rooms>);

struct Rooms {
    context: Context,
    kinds: HashMap<String, Lanes>,
}

/// Jobs of sweeps wait by the thousands for a batch, and their keys for company in a call. Those of touched entities
/// have batches and calls of their own.
struct Lanes {
    sweeps: Batchers,
    touches: Batchers,
}

/// The batchers of one kind.
struct Batchers {
    detect: Batcher<Job>,
    discover: Batcher<Job>,
    sieve: Batcher<Job>,
    confirm: Batcher<Job>,
    /// Announces keys, where its entities are ledger entries, read in batches.
    chain: Option<Chain>,
}

impl Jobs {
    /// Starts the batchers; they end with the last clone.
    pub(crate) fn start(context: Context) -> Self {
        let limits = Limits {
            items: context.settings.entities_per_batch,
            in_flight: context.settings.batches_in_flight,
            linger: context.settings.batch_linger,
        };
        let urgent = Context { chain: context.chain.urgent(), ..context.clone() };
        let lanes =
            |kind: &EntityKind| Lanes { sweeps: Batchers::start(&context, kind, limits), touches: Batchers::start(&urgent, kind, limits) };
        let kinds = context.kinds.keys().map(|kind| (kind.0.clone(), lanes(kind))).collect();
        Self(Arc::new(Rooms { context, kinds }))
    }
}

impl Batchers {
    fn start(context: &Context, kind: &EntityKind, limits: Limits) -> Self {
        let Some(bound) = context.kinds.get(kind) else { unreachable!("kinds come from the context") };
        let process = |task: Task| -> Process<Job> {
            let (context, kind) = (context.clone(), Arc::clone(bound));
            Arc::new(move |jobs| {
                let (context, kind) = (context.clone(), Arc::clone(&kind));
                let span = tracing::info_span!("batch", task = task.as_str(), kind = %kind.spec().kind, entities = jobs.len());
                // A run is a trace, and its batches are spans of it.
                if let Some(run) = jobs.first().and_then(|job| job.trace.as_deref()).and_then(crate::trace::parse) {
                    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(run));
                }
                let intent = context.chain.intent();
                let work = async move {
                    match task {
                        Task::Sieve => sieve(context, &kind, jobs, intent).await,
                        Task::Discover => discover(context, &kind, jobs, intent).await,
                        Task::Confirm => confirm_plans(context, &kind, jobs, intent).await,
                        _ => detect(context, &kind, jobs, intent).await,
                    }
                };
                Box::pin(work.instrument(span))
            })
        };
        Self {
            detect: Batcher::start(limits, process(Task::Detect)),
            discover: Batcher::start(limits, process(Task::Discover)),
            // A range is a batch.
            sieve: Batcher::start(Limits { items: 1, ..limits }, process(Task::Sieve)),
            confirm: Batcher::start(limits, process(Task::Confirm)),
            chain: (!matches!(bound.spec().source, Source::Transaction(_))).then(|| context.chain.clone()),
        }
    }
}

impl Rooms {
    async fn handle(&self, job: Job) -> Answer {
        let Some(task) = Task::from_name(&job.task) else {
            return Err(Failure::permanent(format!("`{}` is no task of this version of trueup", job.task)));
        };
        match task {
            Task::Match => match_plans(&self.context, &job).await,
            Task::Aggregate => aggregate(&self.context, &job).await,
            Task::Detect | Task::Sieve | Task::Discover | Task::Confirm => {
                let Some(lanes) = self.kinds.get(&job.kind) else {
                    return Err(Failure::passing(format!(
                        "this worker has no spec for kind `{}`; start every replica with the same specs",
                        job.kind
                    )));
                };
                let batchers = if is_of_touch(&job) { &lanes.touches } else { &lanes.sweeps };
                if task == Task::Sieve {
                    // Ranges that wait for their turn would keep calls of those before them waiting for long.
                    return batchers.sieve.submit(job, None).await;
                }
                let intent = batchers.chain.as_ref().map(Chain::intent);
                match task {
                    Task::Discover => batchers.discover.submit(job, intent).await,
                    Task::Confirm => batchers.confirm.submit(job, intent).await,
                    _ => batchers.detect.submit(job, intent).await,
                }
            }
        }
    }
}

impl Handler for Jobs {
    async fn handle(&self, job: Job) -> Result<Handled, Failure> {
        let (id, run, task, kind, key) = (job.id.0, job.group.0, job.task.clone(), job.kind.clone(), job.key.clone());
        let answer = self.0.handle(job).await;
        if let Err(failure) = &answer {
            tracing::info!(run, kind, key, job = id, task, permanent = failure.permanent, error = failure.error, "a job failed");
        }
        answer
    }
}
