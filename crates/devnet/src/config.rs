//! What a devnet is set up with.

use std::time::Duration;

/// The passphrase of a standalone network, as the Stellar quickstart uses it.
pub const STANDALONE_PASSPHRASE: &str = "Standalone Network ; February 2017";

/// The protocol that the host of this build speaks.
pub const PROTOCOL_VERSION: u32 = 30;

/// When the ledger after the current one closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoClose {
    /// Only when [`crate::Devnet::close_ledger`] is called.
    Manual,
    /// As soon as a transaction is submitted: one ledger a transaction.
    PerTransaction,
    /// On a timer, whether or not transactions wait.
    Every(Duration),
}

/// The configuration of a devnet. Two devnets of one configuration that are
/// given the same transactions hold the same bytes.
#[derive(Clone, Debug)]
pub struct Config {
    /// Bound into every transaction hash and signature.
    pub network_passphrase: String,
    /// Protocol version of every ledger header.
    pub protocol_version: u32,
    /// Chain seconds between two ledgers.
    pub ledger_seconds: u64,
    /// Close time of the first ledger, Unix seconds.
    pub start_close_time: u64,
    /// Sequence of the first ledger.
    pub start_ledger: u32,
    /// How many ledgers of history are kept.
    pub retention_ledgers: u32,
    /// When ledgers close.
    pub auto_close: AutoClose,
    /// Seed of the accounts' keys.
    pub seed: u64,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            network_passphrase: STANDALONE_PASSPHRASE.to_owned(),
            protocol_version: PROTOCOL_VERSION,
            ledger_seconds: 5,
            start_close_time: 1_760_000_000,
            start_ledger: 2,
            // Seven days at five seconds a ledger, as the public servers keep.
            retention_ledgers: 120_960,
            auto_close: AutoClose::PerTransaction,
            seed: 0,
        }
    }
}
