//! Compares the endpoints while they are in use: who is behind, and who is back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Endpoints;
use super::member::Member;
use super::pool::Pool;
use super::standing::Fitness;
use crate::ReadError;

/// How long an endpoint may take to say how it is, and of which network.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// After how many missed comparisons what is known is too old to choose by.
const MISSED_MAX: u32 = 3;
/// By how many percent of the interval a comparison may come later, so that processes do not ask in step.
const JITTER_PERCENT: u32 = 20;

impl Endpoints {
    /// Sees to it that the endpoints are compared now and then. Waits for it only where they have not been for long,
    /// as after a pause.
    pub(super) async fn keep_watch(&self) {
        let pool = &self.pool;
        if pool.is_single() {
            return;
        }
        let since = pool.watched().elapsed();
        if since >= pool.watch_every * MISSED_MAX {
            let _watching = pool.watching.lock().await;
            if pool.watched().elapsed() >= pool.watch_every {
                pool.compare().await;
            }
        } else if since >= pool.watch_every {
            let Ok(watching) = Arc::clone(&pool.watching).try_lock_owned() else { return };
            let pool = Arc::clone(pool);
            tokio::spawn(async move {
                pool.compare().await;
                drop(watching);
            });
        }
    }

    /// Compares them now.
    pub(super) async fn watch_now(&self) {
        if !self.pool.is_single() {
            let _watching = self.pool.watching.lock().await;
            self.pool.compare().await;
        }
    }
}

impl Pool {
    async fn compare(&self) {
        let probes = self.members.iter().map(|member| self.probe(member));
        futures::future::join_all(probes).await;
        let known = self.known();
        self.members.iter().for_each(|member| member.compare(known));
        self.set_watched(Instant::now() + self.watch_every * rand::random_range(0..=JITTER_PERCENT) / 100);
    }

    /// How it went is noted with the endpoint.
    async fn probe(&self, member: &Member) {
        let fitness = member.standing().fitness(Instant::now());
        if fitness == Fitness::Wrong || member.standing().is_resting(Instant::now()) {
            return;
        }
        let after = PROBE_TIMEOUT.min(self.timeout);
        let asked = async {
            member.verify(&self.passphrase, self.network_check_every).await?;
            member.ask(self.known(), member.rpc.health()).await
        };
        if timeout(after, asked).await.is_err() {
            member.note_failure(&ReadError::Timeout { endpoint: member.rpc.endpoint().to_owned(), after });
        }
    }
}
