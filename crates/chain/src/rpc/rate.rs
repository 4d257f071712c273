//! How many requests are started in a second at one server: fewer after it has refused some for being too many.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::Instant;

use super::allowance::Allowance;
use crate::ReadError;

/// While fewer are allowed than configured, what was not used of this share of a second may be made up for.
const BURST_SHARE: u32 = 10;

/// Lets requests begin, and learns from those that are refused.
pub(crate) struct CallRate {
    /// The server, for the log.
    endpoint: String,
    current: Mutex<Current>,
}

struct Current {
    allowance: Allowance,
    limiter: Arc<DefaultDirectRateLimiter>,
}

// === impl CallRate ===

impl CallRate {
    pub(crate) fn new(endpoint: &str, per_second: NonZeroU32) -> Self {
        let current = Current { allowance: Allowance::new(per_second), limiter: limiter(per_second, per_second) };
        Self { endpoint: endpoint.to_owned(), current: Mutex::new(current) }
    }

    /// Sends a request when it may be.
    pub(crate) async fn send<T>(&self, request: impl Future<Output = Result<T, ReadError>>) -> Result<T, ReadError> {
        let limiter = self.change(|allowance| allowance.calls(Instant::now()));
        limiter.until_ready().await;
        let answer = request.await;
        if answer.as_ref().is_err_and(ReadError::is_too_many_requests) {
            self.change(|allowance| allowance.refused(Instant::now()));
        }
        answer
    }

    fn change(&self, change: impl FnOnce(&mut Allowance)) -> Arc<DefaultDirectRateLimiter> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let before = current.allowance.per_second();
        change(&mut current.allowance);
        let (now, most) = (current.allowance.per_second(), current.allowance.most());
        if now != before {
            current.limiter = limiter(now, most);
            if now < before {
                tracing::info!(endpoint = self.endpoint, from = before, to = now, "too many requests: fewer are sent in a second");
            } else if now == most {
                tracing::info!(endpoint = self.endpoint, to = now, "as many requests as configured are sent in a second again");
            }
        }
        Arc::clone(&current.limiter)
    }
}

fn limiter(per_second: NonZeroU32, most: NonZeroU32) -> Arc<DefaultDirectRateLimiter> {
    let quota = Quota::per_second(per_second);
    // A whole second's worth at once is what may have been refused.
    let at_once = NonZeroU32::new(per_second.get() / BURST_SHARE).unwrap_or(NonZeroU32::MIN);
    Arc::new(RateLimiter::direct(if per_second < most { quota.allow_burst(at_once) } else { quota }))
}
