//! From what a handler returned to what is written down.

use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};

use apalis_core::error::BoxDynError;
use apalis_core::task::Task;
use futures::future::BoxFuture;
use tower::{Layer, Service};

use crate::job::{Ack, AckResult};
use crate::leased::Leased;
use crate::worker::handler::{Failure, Handled};
use crate::worker::shared::Shared;

/// The outermost layer around a handler: turns whatever comes out of it, also a panic, into the job's answer.
#[derive(Clone)]
pub(super) struct AckLayer {
    shared: Arc<Shared>,
}

impl AckLayer {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<S> Layer<S> for AckLayer {
    type Service = AckService<S>;

    fn layer(&self, inner: S) -> AckService<S> {
        AckService { shared: self.shared.clone(), inner }
    }
}

pub(super) struct AckService<S> {
    shared: Arc<Shared>,
    inner: S,
}

impl<S> Service<Task<Leased>> for AckService<S>
where
    S: Service<Task<Leased>, Response = Handled>,
    S::Error: Into<BoxDynError>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = BoxDynError;
    type Future = BoxFuture<'static, Result<(), BoxDynError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxDynError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, task: Task<Leased>) -> Self::Future {
        let (job, lease) = (task.args.id, task.args.lease);
        let shared = self.shared.clone();
        let work = self.inner.call(task);
        Box::pin(async move {
            let result = match work.await {
                Ok(Handled::AlreadyAcked) => {
                    shared.settled(job, lease);
                    return Ok(());
                }
                Ok(Handled::Ack(outcome)) => AckResult::Done { outcome },
                Ok(Handled::Again { after, reason }) => AckResult::Again { after, reason },
                Err(error) => failed(&error.into()),
            };
            shared.answer(Ack { job, lease, result });
            Ok(())
        })
    }
}

fn failed(error: &BoxDynError) -> AckResult {
    match error.downcast_ref::<Failure>() {
        Some(Failure { error, permanent: true }) => AckResult::Dead { error: error.clone() },
        _ => AckResult::Failed { error: error.to_string() },
    }
}

/// A handler's panic, as the error of its job.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked: {0}")]
pub(super) struct Panicked(String);

impl Panicked {
    // apalis' catch-panic layer hands out a reference to the box.
    #[allow(clippy::borrowed_box)]
    pub(super) fn of(payload: &Box<dyn Any + Send>) -> Self {
        let message =
            payload.downcast_ref::<&str>().map(|message| (*message).to_owned()).or_else(|| payload.downcast_ref::<String>().cloned());
        Self(message.unwrap_or_else(|| "it left no message".to_owned()))
    }
}
