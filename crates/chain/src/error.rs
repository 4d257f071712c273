use std::time::Duration;

use thiserror::Error;

/// JSON-RPC: the server failed inside.
pub(crate) const RPC_INTERNAL: i64 = -32603;
/// JSON-RPC: the request is wrong and stays wrong.
pub(crate) const RPC_INVALID_PARAMS: i64 = -32602;
/// JSON-RPC: the server does not know the method.
const RPC_NO_SUCH_METHOD: i64 = -32601;
/// HTTP: the request is larger than the server reads.
pub(crate) const HTTP_TOO_LARGE: u16 = 413;
/// HTTP: too many requests.
pub(crate) const HTTP_TOO_MANY: u16 = 429;
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
    /// The answer is older than what is known already, so that it says nothing of now.
    #[error("RPC {endpoint} is behind: it answers as of ledger {ledger}, and ledger {known} is known; is it still catching up?")]
    Lagging {
        /// Host and port.
        endpoint: String,
        /// The ledger of its answer.
        ledger: u32,
        /// The newest ledger that this or another endpoint has answered of.
        known: u32,
    },
    /// The endpoint belongs to another network by now. It is not asked any more.
    #[error("RPC {endpoint} belongs to the network `{found}`, not to `{expected}`; correct its URL and start again")]
    WrongNetwork {
        /// Host and port.
        endpoint: String,
        /// The passphrase of the network that it must belong to.
        expected: String,
        /// The passphrase that the endpoint gave.
        found: String,
    },
    /// There is no endpoint to ask.
    #[error("there is no RPC endpoint to ask{}", .without.as_ref().map(|it| format!(", apart from {it}")).unwrap_or_default())]
    NoEndpoint {
        /// The endpoint that was not to be asked.
        without: Option<String>,
    },
    /// The archive gave no answer.
    #[error("the archive {endpoint} gave no answer: {what}")]
    Archive {
        /// Host and port.
        endpoint: String,
        /// What happened.
        what: String,
        /// Whether asking again later may help.
        transient: bool,
    },
    /// Entries that belong together did not fit into one call, and the calls showed them at different times, again
    /// and again.
    #[error("RPC {endpoint} answered entries that belong together as of different times: {what}")]
    Inconsistent {
        /// Host and port.
        endpoint: String,
        /// What does not go together.
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
            Self::Transport { .. } | Self::Timeout { .. } | Self::Garbage { .. } | Self::Lagging { .. } | Self::NoEndpoint { .. } => true,
            Self::Http { status, .. } => *status == HTTP_TOO_MANY || *status >= 500,
            Self::Rpc { code, .. } => matches!(*code, RPC_INTERNAL | RPC_OVERLOADED),
            Self::Archive { transient, .. } => *transient,
            Self::TooLarge { .. }
            | Self::Undecodable { .. }
            | Self::Inconsistent { .. }
            | Self::WrongNetwork { .. }
            | Self::NotAHash { .. } => false,
        }
    }

    /// Whether the server wants fewer requests.
    pub(crate) fn is_too_many_requests(&self) -> bool {
        matches!(self, Self::Http { status: HTTP_TOO_MANY, .. })
    }

    /// Whether the same request may succeed a moment later. A timeout is not among them: the request was too much, and
    /// the same one would be again.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Lagging { .. } => true,
            Self::Http { status, .. } => *status == HTTP_TOO_MANY || *status >= 500,
            Self::Rpc { code, .. } => matches!(*code, RPC_INTERNAL | RPC_OVERLOADED),
            _ => false,
        }
    }

    /// Whether another endpoint may answer what this one does not.
    pub(crate) fn may_be_better_elsewhere(&self) -> bool {
        match self {
            Self::Rpc { code: RPC_NO_SUCH_METHOD, .. } | Self::Lagging { .. } | Self::WrongNetwork { .. } => true,
            error => error.is_of_the_endpoint(),
        }
    }

    /// Whether it says something of the endpoint, and not of the request.
    pub(crate) fn is_of_the_endpoint(&self) -> bool {
        match self {
            Self::Transport { .. } | Self::Timeout { .. } | Self::Garbage { .. } => true,
            Self::Http { status, .. } => *status != HTTP_TOO_LARGE,
            Self::Rpc { code, .. } => matches!(*code, RPC_INTERNAL | RPC_OVERLOADED),
            _ => false,
        }
    }
}

impl ReadError {
    /// The same of an archive, which is no RPC.
    pub(crate) fn of_archive(self) -> Self {
        let transient = self.is_transient();
        let (endpoint, what) = match self {
            Self::Transport { endpoint, what } => (endpoint, what),
            Self::Timeout { endpoint, after } => (endpoint, format!("nothing within {after:?}")),
            Self::Http { endpoint, status, what, .. } => (endpoint, format!("HTTP {status}: {what}")),
            Self::TooLarge { endpoint, limit_bytes } => (endpoint, format!("more than {limit_bytes} bytes")),
            Self::Garbage { endpoint, what } => (endpoint, format!("{what}; is this the URL of a Horizon server?")),
            error => return error,
        };
        Self::Archive { endpoint, what, transient }
    }
}

fn status_advice(status: u16) -> &'static str {
    match status {
        401 | 403 => " (check the credentials in the URL)",
        404 => " (check the path of the URL)",
        HTTP_TOO_MANY => " (too many requests: lower the calls per second)",
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
    /// None of several endpoints answers.
    #[error("none of the RPC endpoints {endpoints} answers; the first says: {error}")]
    NoneAnswers {
        /// Host and port of each.
        endpoints: String,
        /// What the first said.
        error: ReadError,
    },
    /// The archive belongs to another network.
    #[error("the archive {endpoint} belongs to the network `{found}`, and the RPC endpoint to `{expected}`; correct horizon_url")]
    ArchiveOfAnotherNetwork {
        /// Host and port.
        endpoint: String,
        /// The passphrase of the RPC endpoint's network.
        expected: String,
        /// The passphrase that the archive gave.
        found: String,
    },
    /// The endpoint does not answer.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why it is not known what a contract runs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ContractError {
    /// The address is not that of a contract.
    #[error(transparent)]
    Address(#[from] crate::KeyError),
    /// The chain gave no answer.
    #[error(transparent)]
    Read(#[from] ReadError),
}
