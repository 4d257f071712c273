//! Processes that store events, and what the chain has for comparison.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use trueup::{Settings, Trueup};
use trueup_chain::{Chain, EVENTS_PER_PAGE_MAX, EventsFrom};

use crate::support::{Deployment, quick_queue};

/// How long a condition is waited for.
const LIMIT: Duration = Duration::from_secs(60);

/// One feeder with pages of that size.
pub struct FeederTask {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl FeederTask {
    pub async fn start(deployment: &Deployment, events_per_page: usize) -> Self {
        let settings = Settings { events_every: Duration::from_millis(5), events_per_page, ..Settings::default() };
        let trueup = Trueup::connect_with(&deployment.config, settings, quick_queue(&deployment.config))
            .await
            .unwrap_or_else(|error| panic!("{error:#}"));
        let stop = CancellationToken::new();
        let task = tokio::spawn(trueup.events(stop.clone()));
        Self { stop, task }
    }

    /// Stops it at whatever it is doing.
    pub async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.expect_err("it never ends by itself").is_cancelled());
    }

    /// Tells it to stop.
    pub async fn end(self) {
        self.stop.cancel();
        self.task.await.expect("no panic");
    }
}

/// Waits until the events are stored up to the devnet's tip.
pub async fn caught_up(deployment: &Deployment) {
    let tip = deployment.devnet.latest().sequence;
    until(deployment, &format!("EXISTS (SELECT FROM trueup.event_cursors WHERE next_ledger > {tip})")).await;
}

pub async fn until(deployment: &Deployment, condition: &str) {
    let sql = format!("SELECT ({condition})");
    let holds = async {
        while !deployment.value::<bool>(&sql).await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, holds).await.unwrap_or_else(|_| panic!("in time: {condition}"));
}

/// Lets events be read from the start again.
pub async fn forget(deployment: &Deployment) {
    deployment.sql("TRUNCATE trueup.events, trueup.event_cursors, trueup.event_holes").await;
}

/// The ids of the lending book's events from a ledger on, as one call lists them.
pub async fn on_chain(deployment: &Deployment, start: u32) -> Vec<String> {
    let chain = Chain::connect(trueup_chain::Config::new(&deployment.rpc.url)).await.expect("the devnet");
    let from = EventsFrom::Ledger { start, end: u32::MAX };
    let page = chain.events(std::slice::from_ref(&deployment.contracts.lending), &from, EVENTS_PER_PAGE_MAX).await.expect("a page");
    assert_eq!(page.next_ledger, page.latest_ledger + 1, "one page holds them all");
    page.events.into_iter().map(|event| event.id).collect()
}

/// The ids that are stored.
pub async fn stored(deployment: &Deployment) -> Vec<String> {
    sqlx::query_scalar("SELECT id FROM trueup.events ORDER BY id").fetch_all(deployment.pool()).await.expect("the ids")
}

/// The cursor of the lending book: from, next.
pub async fn cursor(deployment: &Deployment) -> (i64, i64) {
    sqlx::query_as("SELECT from_ledger, next_ledger FROM trueup.event_cursors WHERE contract = $1")
        .bind(&deployment.contracts.lending)
        .fetch_one(deployment.pool())
        .await
        .expect("a cursor")
}

/// The holes: first and last ledger.
pub async fn holes(deployment: &Deployment) -> Vec<(i64, i64)> {
    sqlx::query_as("SELECT first_ledger, last_ledger FROM trueup.event_holes WHERE filled_at IS NULL ORDER BY first_ledger")
        .fetch_all(deployment.pool())
        .await
        .expect("the holes")
}
