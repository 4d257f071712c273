use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use trueup::{Schedule, Settings, Trueup};

use crate::program;
use crate::support::{Deployment, quick_queue};

/// Schedulers and workers of one process, until they are ended.
pub struct Roles {
    pub trueup: Trueup,
    stop: CancellationToken,
    running: JoinSet<anyhow::Result<()>>,
}

impl Roles {
    pub async fn of(deployment: &Deployment) -> Self {
        let settings = Settings { tick_every: Duration::from_millis(50), revive_after: Duration::from_millis(100), ..Settings::default() };
        let trueup = Trueup::connect_with(&deployment.config, settings, quick_queue(&deployment.config)).await.expect("connected");
        Self { trueup, stop: CancellationToken::new(), running: JoinSet::new() }
    }

    pub fn worker(mut self, name: &'static str) -> Self {
        let (trueup, stop) = (self.trueup.clone(), self.stop.clone());
        self.running.spawn(async move { trueup.worker(name, stop).await });
        self
    }

    pub fn scheduler(mut self, schedules: &[Schedule]) -> Self {
        self.running.spawn(self.trueup.clone().scheduler(schedules.to_vec(), self.stop.clone()));
        self
    }

    /// Stops all of them, and expects that none had failed.
    pub async fn end(mut self) {
        self.stop.cancel();
        while let Some(ended) = self.running.join_next().await {
            ended.expect("no panic").expect("it ends well");
        }
    }
}

/// Waits for a condition over a deployment's database.
pub async fn until(deployment: &Deployment, condition: &str) {
    let mut connection = deployment.pool().acquire().await.expect("a connection");
    program::until(&mut connection, condition).await;
}
