use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// "Keys are coming": while one of these is alive, a call that is not full waits for company, up to the configured
/// linger. Take it before the work that finds the keys, and hand it to
/// [`read_announced`](crate::Chain::read_announced); dropping it says that no keys are coming after all.
#[derive(Debug)]
#[must_use = "an intent that is dropped at once announces nothing"]
pub struct Intent {
    intents: Intents,
}

/// How many intents are alive.
#[derive(Debug, Clone, Default)]
pub(crate) struct Intents(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    alive: AtomicUsize,
    dropped: Notify,
}

// === impl Intents ===

impl Intents {
    pub(crate) fn announce(&self) -> Intent {
        self.0.alive.fetch_add(1, Ordering::AcqRel);
        Intent { intents: self.clone() }
    }

    pub(crate) fn are_none(&self) -> bool {
        self.0.alive.load(Ordering::Acquire) == 0
    }

    /// Waits until the last one alive is dropped.
    pub(crate) async fn ended(&self) {
        self.0.dropped.notified().await;
    }
}

// === impl Intent ===

impl Drop for Intent {
    fn drop(&mut self) {
        if self.intents.0.alive.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.intents.0.dropped.notify_one();
        }
    }
}
