/// Every JSON-RPC method that trueup can call. It is closed, and none of them changes the chain: no code can submit a
/// transaction, because there is no value of this type that would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// The tip, and what the endpoint keeps.
    GetHealth,
    /// The network's passphrase.
    GetNetwork,
    /// Ledger entries by key.
    GetLedgerEntries,
    /// The outcome of a transaction.
    GetTransaction,
    /// What contracts emitted.
    GetEvents,
    /// What a function of a contract returns, run by the endpoint against its own ledger. Nothing is sent to the
    /// network, and the envelope is without signatures.
    SimulateTransaction,
}

// === impl Method ===

impl Method {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 6] =
        [Self::GetHealth, Self::GetNetwork, Self::GetLedgerEntries, Self::GetTransaction, Self::GetEvents, Self::SimulateTransaction];

    /// It asks how the endpoint is, not what the chain holds.
    pub(crate) const fn is_probe(self) -> bool {
        matches!(self, Self::GetHealth | Self::GetNetwork)
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GetHealth => "getHealth",
            Self::GetNetwork => "getNetwork",
            Self::GetLedgerEntries => "getLedgerEntries",
            Self::GetTransaction => "getTransaction",
            Self::GetEvents => "getEvents",
            Self::SimulateTransaction => "simulateTransaction",
        }
    }
}
