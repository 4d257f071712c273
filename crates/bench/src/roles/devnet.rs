//! A chain that holds the loans, served with the latency of a real endpoint.

use serde_json::json;
use trueup_devnet::{AutoClose, Config, Devnet, Faults};

use super::stage::Stage;
use crate::loans;

/// A ledger closes as often as on the public network.
const CLOSE_EVERY: std::time::Duration = std::time::Duration::from_secs(5);

pub(super) async fn play(count: u64, latency_ms: u64) -> anyhow::Result<()> {
    let devnet = Devnet::new(Config { auto_close: AutoClose::Every(CLOSE_EVERY), ..Config::default() });
    let contract = loans::put(&devnet, count)?;
    devnet.faults().set(Faults { latency_ms, ..Faults::default() });
    let served = devnet.serve("127.0.0.1:0").await?;
    let mut stage = Stage::new();
    let place = json!({ "url": served.url, "contract": contract, "passphrase": devnet.config().network_passphrase });
    stage.ready(&place.to_string()).await?;
    stage.until_closed().await?;
    served.shutdown().await;
    Ok(())
}
