//! Entities that somebody has looked at now.

mod asking;
mod events;
mod forgetting;
mod guard;
mod killing;
mod provisional;
mod triggers;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trueup::{EntityKind, Mode, NamedEntity, Settings, Touching, Trueup};
use trueup_database::touches::NamedBy;

use crate::events::feeders::until;
use crate::support::{Deployment, SPEC, quick_queue};

/// The shared spec, touched by what changes a loan.
fn touched_by_events(more: &str) -> String {
    format!(
        "{SPEC}\n[[touch]]\ntopics = [\"LOANRLSD\"]\nkey = \"data[0]\"\n{more}\n[[touch]]\ntopics = [\"LOANCRTD\"]\nkey = \"data[0]\"\n{more}"
    )
}

fn by_key(key: &str) -> NamedEntity {
    NamedEntity { kind: EntityKind("loan".into()), named_by: NamedBy::Key, entity: key.to_owned() }
}

fn by_row(row: &str) -> NamedEntity {
    NamedEntity { named_by: NamedBy::Row, ..by_key(row) }
}

async fn connected(deployment: &Deployment) -> Trueup {
    let settings = Settings {
        look_again_after: Duration::from_millis(100),
        events_every: Duration::from_millis(20),
        tick_every: Duration::from_millis(100),
        ..Settings::default()
    };
    Trueup::connect_with(&deployment.config, settings, quick_queue(&deployment.config)).await.unwrap_or_else(|error| panic!("{error:#}"))
}

fn touching(mode: Mode) -> Touching {
    Touching { every: Duration::from_millis(20), mode, timeout_secs: 60 }
}

/// Scheduler, feeder, toucher and worker in this process.
struct Service {
    trueup: Trueup,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Service {
    async fn start(deployment: &Deployment, mode: Mode) -> Self {
        let trueup = connected(deployment).await;
        let stop = CancellationToken::new();
        let (worker, scheduler) = (trueup.clone().worker("test", stop.clone()), trueup.clone().scheduler(Vec::new(), stop.clone()));
        let tasks = vec![
            tokio::spawn(async { worker.await.expect("the worker ends well") }),
            tokio::spawn(async { scheduler.await.expect("the scheduler ends well") }),
            tokio::spawn(trueup.clone().events(stop.clone())),
            tokio::spawn(trueup.clone().toucher(touching(mode), stop.clone())),
        ];
        Self { trueup, stop, tasks }
    }

    async fn touch(&self, entities: &[NamedEntity]) {
        let ids = self.trueup.touch(entities).await.expect("touched");
        assert_eq!(ids.len(), entities.len());
    }

    async fn end(self) {
        self.stop.cancel();
        for task in self.tasks {
            task.await.expect("no panic");
        }
    }
}

/// Waits until nothing waits and every run is over.
async fn settled(deployment: &Deployment) {
    until(
        deployment,
        "NOT EXISTS (SELECT FROM trueup.touches WHERE run IS NULL AND due_at <= now()) AND NOT EXISTS (SELECT FROM trueup.runs WHERE phase <> 'done')",
    )
    .await;
}

async fn repairs(deployment: &Deployment) -> Vec<String> {
    sqlx::query_scalar("SELECT identity FROM trueup.repairs ORDER BY identity").fetch_all(deployment.pool()).await.expect("repairs")
}

async fn runs(deployment: &Deployment) -> i64 {
    deployment.value("SELECT count(*) FROM trueup.runs WHERE touches").await
}
