//! A handler as apalis calls it.

use std::task::{Context, Poll};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use futures::future::BoxFuture;
use tower::Service;
use tracing::Span;

use crate::leased::Leased;
use crate::worker::handler::{Failure, Handled, Handler};

/// Decodes a row and gives it to the handler.
pub(super) struct JobService<H> {
    pub(super) handler: H,
}

impl<H: Handler> Service<Task<Leased>> for JobService<H> {
    type Response = Handled;
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<Handled, BoxDynError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: Task<Leased>) -> Self::Future {
        let handler = self.handler.clone();
        Box::pin(async move {
            let job = task.args.decode().map_err(|error| Failure::permanent(format!("the job's payload cannot be read: {error}")))?;
            Ok(handler.handle(job).await?)
        })
    }
}

/// The span in which a job is handled.
pub(super) fn span(task: &Task<Leased>) -> Span {
    let job = &task.args;
    tracing::info_span!(
        "job",
        job = job.id.0,
        group = job.group.0,
        task = job.task,
        kind = job.kind,
        key = job.key,
        traceparent = job.trace,
    )
}
