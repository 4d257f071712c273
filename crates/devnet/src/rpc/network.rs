//! `getHealth`, `getNetwork`, `getVersionInfo`.

use crate::rpc::Endpoint;
use crate::rpc::protocol::RpcError;
use crate::rpc::view::View;
use serde_json::{Value, json};

pub(crate) fn health(endpoint: &Endpoint) -> Result<Value, RpcError> {
    let view = View::of(endpoint);
    let (latest, oldest) = (view.latest()?, view.oldest()?);
    Ok(json!({
        "status": "healthy",
        "latestLedger": latest.sequence,
        "latestLedgerCloseTime": latest.close_time,
        "oldestLedger": oldest.sequence,
        "oldestLedgerCloseTime": oldest.close_time,
        "ledgerRetentionWindow": endpoint.devnet.config().retention_ledgers,
    }))
}

pub(crate) fn network(endpoint: &Endpoint) -> Result<Value, RpcError> {
    let config = endpoint.devnet.config();
    let faults = endpoint.faults.get();
    Ok(json!({
        "friendbotUrl": format!("{}/friendbot", endpoint.url),
        "passphrase": faults.passphrase.as_deref().unwrap_or(&config.network_passphrase),
        "protocolVersion": faults.protocol_version.unwrap_or(config.protocol_version),
    }))
}

pub(crate) fn version(endpoint: &Endpoint) -> Result<Value, RpcError> {
    Ok(json!({
        "version": concat!("trueup-devnet-", env!("CARGO_PKG_VERSION")),
        "commitHash": "",
        "buildTimestamp": "",
        "captiveCoreVersion": "none: soroban-env-host runs in process",
        "protocolVersion": endpoint.devnet.config().protocol_version,
    }))
}
