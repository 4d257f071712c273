//! Which job goes where.

use std::collections::HashMap;
use std::sync::Arc;

use opentelemetry::trace::TraceContextExt;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use trueup_chain::{Chain, Intent};
use trueup_judge::EntityKind;
use trueup_queue::{Failure, Handled, Handler, Job};
use trueup_spec::Source;

use crate::aggregate::aggregate;
use crate::batcher::{Answer, Batcher, Limits, Process};
use crate::confirm::confirm_plans;
use crate::context::Context;
use crate::detect::{detect, discover};
use crate::matching::match_plans;
use crate::range::{decided, look_at_ranges};
use crate::settings::Settings;
use crate::task::Task;
use crate::throttle::{Throttle, of_sweep, watch};
use crate::touch::is_of_touch;

/// The tasks that are first looks of sweeps, for each kind.
const SWEEPING_TASKS: usize = 3;

/// How many batches of sweeps are under way at most in a process with so many kinds.
pub(crate) fn sweeping_batches(settings: &Settings, kinds: usize) -> usize {
    settings.batches_in_flight.saturating_mul(kinds.max(1)).saturating_mul(SWEEPING_TASKS)
}

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
    throttle: Option<Throttle>,
}

impl Jobs {
    /// Starts the batchers; they end with the last clone.
    pub(crate) fn start(context: Context) -> Self {
        let limits = Limits {
            items: context.settings.entities_per_batch,
            in_flight: context.settings.batches_in_flight,
            linger: context.settings.batch_linger,
        };
        watch(&context.throttle, &context.pools.read.connect_options());
        let urgent = Context { chain: context.chain.urgent(), ..context.clone() };
        let lanes = |kind: &EntityKind| Lanes {
            sweeps: Batchers::start(&context, kind, limits, Some(&context.throttle)),
            touches: Batchers::start(&urgent, kind, limits, None),
        };
        let kinds = context.kinds.keys().map(|kind| (kind.0.clone(), lanes(kind))).collect();
        Self(Arc::new(Rooms { context, kinds }))
    }
}

impl Batchers {
    fn start(context: &Context, kind: &EntityKind, limits: Limits, throttle: Option<&Throttle>) -> Self {
        let Some(bound) = context.kinds.get(kind) else { unreachable!("kinds come from the context") };
        let process = |task: Task| -> Process<Job> {
            let (context, kind) = (context.clone(), Arc::clone(bound));
            let is_throttled = throttle.is_some() && task != Task::Confirm;
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
                        Task::Sieve => look_at_ranges(context, &kind, jobs, intent).await,
                        Task::Discover => discover(context, &kind, jobs, intent).await,
                        Task::Confirm => confirm_plans(context, &kind, jobs, intent).await,
                        _ => detect(context, &kind, jobs, intent).await,
                    }
                };
                let work = work.instrument(span);
                if is_throttled { Box::pin(of_sweep(work)) } else { Box::pin(work) }
            })
        };
        Self {
            detect: Batcher::start(limits, throttle.cloned(), process(Task::Detect)),
            discover: Batcher::start(limits, throttle.cloned(), process(Task::Discover)),
            // A range is a batch.
            sieve: Batcher::start(Limits { items: 1, ..limits }, throttle.cloned(), process(Task::Sieve)),
            confirm: Batcher::start(limits, None, process(Task::Confirm)),
            chain: (!matches!(bound.spec().source, Source::Transaction(_))).then(|| context.chain.clone()),
            throttle: throttle.cloned(),
        }
    }

    /// Keys of a job that waits for its batch are announced, so that calls are full. Where one batch follows the other,
    /// its keys would wait for those of a batch that waits for it.
    fn intent(&self) -> Option<Intent> {
        let one_by_one = self.throttle.as_ref().is_some_and(Throttle::is_one_by_one);
        self.chain.as_ref().filter(|_| !one_by_one).map(Chain::intent)
    }
}

impl Rooms {
    async fn handle(&self, job: Job) -> Answer {
        let Some(task) = Task::from_name(&job.task) else {
            return Err(Failure::permanent(format!("`{}` is no task of this version of trueup", job.task)));
        };
        if let (Task::Detect, Some(verdict)) = (task, decided(&job)) {
            return Ok(Handled::Ack(verdict.to_owned()));
        }
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
                match task {
                    Task::Discover => batchers.discover.submit(job, batchers.intent()).await,
                    Task::Confirm => batchers.confirm.submit(job, batchers.chain.as_ref().map(Chain::intent)).await,
                    _ => batchers.detect.submit(job, batchers.intent()).await,
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
