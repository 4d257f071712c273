//! The task that decides when a call goes out.
//!
//! A full call goes at once. What is left over would go at once too if calls cost nothing; they do, so it waits while
//! company is likely: while someone has announced keys, and while calls are in flight, since whoever waits for those
//! tends to come back with more. Each wait is bounded, and keys go oldest first, so that nothing waits twice.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::call::perform;
use super::pending::{Pending, Waiter};
use super::{AskedKey, Intent, Intents};
use crate::endpoints::Endpoints;

/// How long a call that is not full waits where nobody has announced anything: callers that run at the same time
/// arrive within it.
const GATHER: Duration = Duration::from_millis(10);
/// How many lingers it waits while other calls are in flight.
const BUSY_LINGERS: u32 = 8;

/// Groups of keys, and who waits for them.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) groups: Vec<(Vec<AskedKey>, Waiter)>,
    /// The intent that announced them; it ends when they have arrived.
    pub(crate) intent: Option<Intent>,
}

/// What the task works with.
pub(crate) struct Batcher {
    pub(crate) endpoints: Endpoints,
    pub(crate) intents: Intents,
    pub(crate) requests: UnboundedReceiver<Request>,
    pub(crate) keys_per_call: usize,
    pub(crate) calls_in_flight: usize,
    pub(crate) linger: Duration,
}

// === impl Batcher ===

impl Batcher {
    /// Runs until nobody can ask any more and everyone is answered.
    pub(crate) async fn run(mut self) {
        let mut pending = Pending::default();
        let mut in_flight = JoinSet::new();
        let mut quiet_since = Instant::now();
        let mut is_open = true;
        while is_open || !pending.is_empty() || !in_flight.is_empty() {
            while in_flight.len() < self.calls_in_flight && self.may_go(&pending, quiet_since, in_flight.is_empty(), is_open) {
                let wanted = pending.take(self.keys_per_call);
                if !wanted.is_empty() {
                    let endpoints = self.endpoints.clone();
                    in_flight.spawn(async move { perform(&endpoints, wanted).await });
                }
            }
            let has_room = in_flight.len() < self.calls_in_flight;
            let due = self.due(&pending, quiet_since, in_flight.is_empty()).filter(|_| has_room);
            tokio::select! {
                request = self.requests.recv(), if is_open => {
                    quiet_since = Instant::now();
                    match request {
                        Some(request) => accept(&mut pending, request, quiet_since),
                        None => is_open = false,
                    }
                    while let Ok(request) = self.requests.try_recv() {
                        accept(&mut pending, request, quiet_since);
                    }
                }
                Some(ended) = in_flight.join_next() => {
                    quiet_since = Instant::now();
                    if let Err(error) = ended {
                        // Its waiters learn of it because their channel ends.
                        tracing::error!(%error, "a call to the RPC was lost");
                    }
                }
                () = self.intents.ended() => quiet_since = Instant::now(),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
        }
    }

    fn may_go(&self, pending: &Pending, quiet_since: Instant, is_idle: bool, is_open: bool) -> bool {
        if pending.is_empty() {
            return false;
        }
        let is_due = self.due(pending, quiet_since, is_idle).is_some_and(|due| due <= Instant::now());
        pending.size() >= self.keys_per_call || is_due || !is_open
    }

    /// When what waits goes, full or not.
    fn due(&self, pending: &Pending, quiet_since: Instant, is_idle: bool) -> Option<Instant> {
        let oldest = pending.oldest()?;
        Some(match (is_idle, self.intents.are_none()) {
            (true, true) => (quiet_since + GATHER).min(oldest + self.linger),
            (true, false) => oldest + self.linger,
            (false, _) => oldest + self.linger * BUSY_LINGERS,
        })
    }
}

fn accept(pending: &mut Pending, request: Request, now: Instant) {
    for (asked, waiter) in request.groups {
        pending.add(asked, waiter, now);
    }
    drop(request.intent);
}
