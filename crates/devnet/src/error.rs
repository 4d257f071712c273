//! What can go wrong in the library (the RPC has its own errors).

/// An error of the devnet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A strkey that is not one, or not of the kind that is needed here.
    #[error("`{0}` is not a valid {1}; expected {2}")]
    BadAddress(String, &'static str, &'static str),
    /// The source account of a call has no entry on this chain.
    #[error("account {0} does not exist on this devnet; fund it first (`Devnet::fund`, or `GET /friendbot?addr=…`)")]
    NoAccount(String),
    /// A call needs the authorization of an address other than its source.
    #[error(
        "the call needs the signature of {0}, which is not its source account; build the transaction with an SDK and submit it over RPC"
    )]
    NeedsSignature(String),
    /// A deployment or a funding transaction failed.
    #[error("{what} failed: {code}")]
    Failed {
        /// What was being done.
        what: String,
        /// The result code.
        code: String,
    },
    /// A line of a snapshot cannot be loaded.
    #[error("snapshot line {line}: {reason}")]
    Snapshot {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it, and what was expected.
        reason: String,
    },
    /// A value does not fit XDR's limits, or bytes are no XDR of the type.
    #[error("XDR: {0}")]
    Xdr(#[from] stellar_xdr::Error),
    /// Reading a snapshot, writing one, or binding a port.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// An asset code that Stellar does not allow.
    #[error("`{0}` is not an asset code; expected 1 to 12 letters and digits")]
    BadAssetCode(String),
}
