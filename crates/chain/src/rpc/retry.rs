use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use crate::ReadError;
use crate::error::{RPC_INTERNAL, RPC_OVERLOADED};

/// How often a request is tried again here. More patience than this is the queue's.
pub(crate) const RETRIES_MAX: usize = 3;
/// The first pause; it doubles, and has jitter.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause of our own.
const PAUSE_MAX: Duration = Duration::from_secs(2);
/// The longest pause that a server's `Retry-After` is granted.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);

/// Whether a request that failed is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    /// Up to [`RETRIES_MAX`] times, where that may help.
    Few,
    /// Not here.
    Never,
}

// === impl Retry ===

impl Retry {
    pub(crate) async fn run<T, F>(self, attempt: impl FnMut() -> F) -> Result<T, ReadError>
    where
        F: Future<Output = Result<T, ReadError>>,
    {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(PAUSE_FIRST)
            .with_max_delay(PAUSE_MAX)
            .with_max_times(match self {
                Self::Few => RETRIES_MAX,
                Self::Never => 0,
            })
            .with_jitter();
        attempt
            .retry(pauses)
            .when(may_pass)
            .adjust(|error, pause| pause.map(|pause| pause.max(asked_pause(error))))
            .notify(|error, pause| tracing::debug!(%error, ?pause, "RPC request is tried again"))
            .await
    }
}

/// Whether the same request may succeed a moment later. A timeout is not among them: the request was too much, and the
/// same one would be again.
fn may_pass(error: &ReadError) -> bool {
    match error {
        ReadError::Transport { .. } => true,
        ReadError::Http { status, .. } => *status == 429 || *status >= 500,
        ReadError::Rpc { code, .. } => matches!(*code, RPC_INTERNAL | RPC_OVERLOADED),
        _ => false,
    }
}

fn asked_pause(error: &ReadError) -> Duration {
    match error {
        ReadError::Http { retry_after: Some(pause), .. } => *pause,
        _ => Duration::ZERO,
    }
}
