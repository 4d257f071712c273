//! The loops of a worker, as one thing that lives and ends.

use std::collections::HashSet;
use std::future::Future;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::Error;

/// Loops that run beside each other. All are aborted when this is dropped.
pub(super) struct Loops {
    running: JoinSet<(&'static str, Result<(), Error>)>,
    ended: HashSet<&'static str>,
    /// Once this is cancelled a loop may end.
    stop: CancellationToken,
}

impl Loops {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { running: JoinSet::new(), ended: HashSet::new(), stop }
    }

    pub(super) fn start(&mut self, name: &'static str, work: impl Future<Output = Result<(), Error>> + Send + 'static) {
        self.running.spawn(async move { (name, work.await) });
    }

    /// Waits for a loop to fail, or to end before it may. Waits for ever if none does.
    pub(super) async fn failure(&mut self) -> Error {
        loop {
            if let Err(error) = self.next_end().await {
                return error;
            }
        }
    }

    /// Waits until these loops have ended.
    pub(super) async fn until_ended(&mut self, names: &[&'static str]) -> Result<(), Error> {
        while !names.iter().all(|name| self.ended.contains(name)) {
            self.next_end().await?;
        }
        Ok(())
    }

    async fn next_end(&mut self) -> Result<(), Error> {
        match self.running.join_next().await {
            Some(Ok((name, Ok(())))) if self.stop.is_cancelled() => {
                self.ended.insert(name);
                Ok(())
            }
            Some(Ok((name, Ok(())))) => Err(Error::Stopped(format!("{name} loop"))),
            Some(Ok((_, Err(error)))) => Err(error),
            Some(Err(panic)) => Err(Error::Stopped(format!("loop ({panic})"))),
            None => std::future::pending().await,
        }
    }
}
