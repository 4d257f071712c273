use std::time::Duration;

use thiserror::Error;

/// JSON-RPC: the server failed inside.
pub(crate) const RPC_INTERNAL: i64 = -32603;
/// JSON-RPC: the request is wrong and stays wrong.
pub(crate) const RPC_INVALID_PARAMS: i64 = -32602;
/// stellar-rpc: the request took longer than the server allows itself.
pub(crate) const RPC_OVERLOADED: i64 = -32001;

/// Why there is no answer. It says nothing of the entity: an error is never an absence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// No connection, or one that broke.
    #[error("RPC {endpoint} cannot be reached: {what}; check the URL, the network and whether the server runs")]
    Transport {
        /// Host and port.
        endpoint: String,
        /// What happened.
        what: String,
    },
    /// No answer in time.
    #[error("RPC {endpoint} did not answer within {after:?}; the server is overloaded, or the timeout is too short for it")]
    Timeout {
        /// Host and port.
        endpoint: String,
        /// What one attempt may take.
        after: Duration,
    },
    /// An HTTP status that is not success.
    #[error("RPC {endpoint} answered HTTP {status}{}: {what}", status_advice(*.status))]
    Http {
        /// Host and port.
        endpoint: String,
        /// The status code.
        status: u16,
        /// The beginning of the body.
        what: String,
        /// What `Retry-After` asked for, bounded.
        retry_after: Option<Duration>,
    },
    /// The answer is larger than what is read.
    #[error("RPC {endpoint} answered more than {limit_bytes} bytes; ask for fewer keys a call or raise the limit")]
    TooLarge {
        /// Host and port.
        endpoint: String,
        /// The limit.
        limit_bytes: usize,
    },
    /// A JSON-RPC error.
    #[error("RPC {endpoint} refused {method}: {message} (code {code})")]
    Rpc {
        /// Host and port.
        endpoint: String,
        /// The JSON-RPC method.
        method: &'static str,
        /// The JSON-RPC code.
        code: i64,
        /// The server's words.
        message: String,
    },
    /// The answer is not what the method answers.
    #[error("RPC {endpoint} answered garbage: {what}; is this the URL of a Stellar RPC server?")]
    Garbage {
        /// Host and port.
        endpoint: String,
        /// What is wrong with it.
        what: String,
    },
    /// The response is sound, but what it holds for this one key cannot be read. The other keys are not concerned.
    #[error("RPC {endpoint} answered an entry that cannot be read: {what}")]
    Undecodable {
        /// Host and port.
        endpoint: String,
        /// What is wrong with it.
        what: String,
    },
    /// The transaction hash that was given is none.
    #[error("`{given}` is not a transaction hash: 64 hex digits are needed, with or without `0x` or `\\x`")]
    NotAHash {
        /// What was given.
        given: String,
    },
}

// === impl ReadError ===

impl ReadError {
    /// Whether asking again later may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Timeout { .. } | Self::Garbage { .. } => true,
            Self::Http { status, .. } => *status == 429 || *status >= 500,
            Self::Rpc { code, .. } => matches!(*code, RPC_INTERNAL | RPC_OVERLOADED),
            Self::TooLarge { .. } | Self::Undecodable { .. } | Self::NotAHash { .. } => false,
        }
    }
}

fn status_advice(status: u16) -> &'static str {
    match status {
        401 | 403 => " (check the credentials in the URL)",
        404 => " (check the path of the URL)",
        429 => " (too many requests: lower the calls per second)",
        300..=399 => " (redirects are not followed: use the final URL)",
        _ => "",
    }
}

/// Why a chain cannot be connected to.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ChainError {
    /// The configuration is wrong in itself.
    #[error("chain configuration: {0}")]
    Config(String),
    /// The endpoint belongs to another network.
    #[error("RPC {endpoint} belongs to the network `{found}`, but `{expected}` is configured; correct the URL or the passphrase")]
    WrongNetwork {
        /// Host and port.
        endpoint: String,
        /// The passphrase that was configured.
        expected: String,
        /// The passphrase that the endpoint gave.
        found: String,
    },
    /// The endpoint does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
}
