//! apalis, put together.

use std::sync::Arc;

use apalis::layers::catch_panic::CatchPanicLayer;
use apalis::layers::tracing::{DefaultOnFailure, TraceLayer};
use apalis_core::error::WorkerError;
use apalis_core::worker::builder::WorkerBuilder;
use apalis_core::worker::context::WorkerContext;
use apalis_core::worker::ext::parallelize::ParallelizeLayer;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::leased::Leased;
use crate::worker::acks::Panicked;
use crate::worker::backend::QueueBackend;
use crate::worker::handler::Handler;
use crate::worker::service::{JobService, span};
use crate::worker::shared::Shared;

/// The apalis worker that takes jobs from `batches` and has them handled. It ends when `context` is stopped and the
/// last handler is finished; dropping it aborts the handlers.
///
/// Boxed in a function that is not async, because the compiler cannot prove the built worker `Send` from inside one.
pub(super) fn engine<H: Handler>(
    context: &WorkerContext,
    shared: Arc<Shared>,
    batches: mpsc::Receiver<Vec<Leased>>,
    handler: H,
) -> BoxFuture<'static, Result<(), WorkerError>> {
    let worker = WorkerBuilder::new(context)
        .backend(QueueBackend::new(shared, batches))
        // A task of its own for each job: handlers spread over the cores, and one that computes for long does not
        // hold the others up.
        .layer(ParallelizeLayer::new(|job| AbortOnDropHandle::new(tokio::spawn(job))))
        .layer(TraceLayer::new().make_span_with(span).on_failure(DefaultOnFailure::new().level(tracing::Level::WARN)))
        .layer(CatchPanicLayer::with_panic_handler(Panicked::of))
        .build(JobService { handler });
    Box::pin(worker.run())
}
