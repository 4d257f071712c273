//! A thread of one's own.

use std::future::Future;
use std::thread;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Runs this work on a thread and a runtime of its own, where handlers that compute for long without awaiting cannot
/// keep it from its turn. It ends with the returned future: dropping that stops it.
pub(super) fn apart(
    name: &'static str,
    work: impl Future<Output = Result<(), Error>> + Send + 'static,
) -> impl Future<Output = Result<(), Error>> + Send + 'static {
    let stop = CancellationToken::new();
    let stop_when_dropped = stop.clone().drop_guard();
    let (ended, end) = oneshot::channel();
    let spawned = thread::Builder::new().name(format!("trueup-{name}")).spawn(move || {
        let result = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(async {
                tokio::select! {
                    () = stop.cancelled() => Ok(()),
                    result = work => result,
                }
            }),
            Err(error) => Err(Error::Stopped(format!("{name} thread ({error})"))),
        };
        // Nobody listens any more when the worker was dropped.
        let _ = ended.send(result);
    });
    async move {
        let _stop_when_dropped = stop_when_dropped;
        if let Err(error) = spawned {
            return Err(Error::Stopped(format!("{name} thread ({error})")));
        }
        end.await.unwrap_or_else(|_| Err(Error::Stopped(format!("{name} thread"))))
    }
}
