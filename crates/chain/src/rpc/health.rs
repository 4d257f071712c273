use serde_json::Value;

use super::{Method, Retry, Rpc, field};
use crate::{Health, ReadError};

impl Rpc {
    /// How the endpoint is. An unhealthy one answers with an error.
    pub(crate) async fn health(&self) -> Result<Health, ReadError> {
        let method = Method::GetHealth;
        let answer = self.call(method, None, Retry::Few).await?;
        read(&answer).map_err(|what| self.garbage(method, &what))
    }
}

pub(super) fn read(answer: &Value) -> Result<Health, String> {
    Ok(Health {
        status: field::text(answer, "status")?.to_owned(),
        latest_ledger: field::ledger(answer, "latestLedger")?,
        oldest_ledger: field::ledger(answer, "oldestLedger")?,
        // Not every server sends the close times.
        latest_close_time: field::seconds(answer, "latestLedgerCloseTime").ok(),
        oldest_close_time: field::seconds(answer, "oldestLedgerCloseTime").ok(),
    })
}
