use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};

use crate::ReadError;

/// How often a request is tried again here. More patience than this is the queue's.
pub(crate) const RETRIES_MAX: usize = 3;
/// The first pause; it doubles, and has jitter.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// By how many percent of the first pause one is longer, at random.
const JITTER_PERCENT: u32 = 100;
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
    /// Runs attempts, with pauses between them.
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
            .when(ReadError::may_pass)
            .adjust(|error, pause| pause.map(|pause| pause.max(asked_pause(error))))
            .notify(|error, pause| tracing::debug!(%error, ?pause, "RPC request is tried again"))
            .await
    }
}

fn asked_pause(error: &ReadError) -> Duration {
    match error {
        ReadError::Http { retry_after: Some(pause), .. } => *pause,
        _ => Duration::ZERO,
    }
}

/// The pause before an endpoint is asked again that was asked for the same already, by how many attempts went before.
pub(crate) fn pause_before(attempts: usize) -> Duration {
    let doubled = PAUSE_FIRST.saturating_mul(1 << attempts.saturating_sub(1).min(RETRIES_MAX));
    doubled.min(PAUSE_MAX) + PAUSE_FIRST * rand::random_range(0..=JITTER_PERCENT) / 100
}
