use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::handler::Jobs;

/// Works on jobs until it is told to stop. `name` says which replica this is; it need not be unique.
///
/// # Errors
/// The database could not be used for so long that the worker gave up. No job is lost.
pub async fn run_worker(context: Context, name: &str, shutdown: CancellationToken) -> Result<(), trueup_queue::Error> {
    let queue = context.queue.clone();
    trueup_queue::Worker::new(queue, name, Jobs::start(context)).run(shutdown).await
}
