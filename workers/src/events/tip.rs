use chrono::{DateTime, Utc};
use trueup_chain::Chain;

/// What the endpoint has, as it said when it was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tip {
    pub(super) latest: i64,
    pub(super) oldest: i64,
    /// When the oldest ledger closed, if the endpoint says so.
    pub(super) oldest_time: Option<DateTime<Utc>>,
}

impl Tip {
    pub(super) async fn of(chain: &Chain) -> anyhow::Result<Self> {
        let health = chain.health().await?;
        anyhow::ensure!(
            (1..=health.latest_ledger).contains(&health.oldest_ledger),
            "RPC {} says that it keeps the ledgers {} to {}, which are none",
            chain.endpoint(),
            health.oldest_ledger,
            health.latest_ledger
        );
        Ok(Self {
            latest: i64::from(health.latest_ledger),
            oldest: i64::from(health.oldest_ledger),
            oldest_time: health.oldest_close_time.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        })
    }
}
