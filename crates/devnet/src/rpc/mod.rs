//! The JSON-RPC server, with the methods, limits and error codes of stellar-rpc.
//!
//! Field names, types and messages follow its source (stellar/stellar-rpc,
//! `cmd/stellar-rpc/internal/methods`, and stellar/go-stellar-sdk,
//! `protocols/rpc`): close times are strings in some answers and numbers in others.

mod entries;
mod events;
mod fees;
mod format;
mod ledgers;
mod network;
mod paging;
mod protocol;
mod send;
mod server;
mod simulate;
mod transactions;
mod view;

pub use events::Emitted;
pub use server::Served;

use crate::devnet::Devnet;
use crate::faults::FaultSwitch;
use protocol::RpcError;
use serde_json::Value;

/// One served address: a chain and the faults in front of it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    devnet: Devnet,
    faults: FaultSwitch,
    url: String,
}

// === impl Endpoint ===

impl Endpoint {
    /// Answers one call.
    fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        match method {
            "getHealth" => network::health(self),
            "getNetwork" => network::network(self),
            "getVersionInfo" => network::version(self),
            "getLatestLedger" => ledgers::latest(self),
            "getLedgers" => ledgers::ledgers(self, params),
            "getLedgerEntries" => entries::entries(self, params),
            "getTransaction" => transactions::transaction(self, params),
            "getTransactions" => transactions::transactions(self, params),
            "getEvents" => events::events(self, params),
            "getFeeStats" => fees::stats(self),
            "simulateTransaction" => simulate::simulate(self, params),
            "sendTransaction" => send::send(self, params),
            _ => Err(RpcError::no_such_method(method)),
        }
    }
}
