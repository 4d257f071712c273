use std::time::Duration;

/// How many keys the server takes in one `getLedgerEntries` (stellar-rpc: `getLedgerEntriesMaxKeys`).
pub const KEYS_PER_CALL_MAX: usize = 200;

/// How a chain is reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// The JSON-RPC endpoint, `http://` or `https://`. May hold credentials; they are never shown.
    pub url: String,
    /// The network that the endpoint must belong to; none: whichever it is.
    pub network_passphrase: Option<String>,
    /// How long one HTTP attempt may take, from the request's first byte to the answer's last.
    pub timeout: Duration,
    /// How many requests are open at a time, at least 1.
    pub calls_in_flight: usize,
    /// How many requests are started in a second, at least 1. Of this process: several processes add up.
    pub calls_per_second: u32,
    /// How many keys one call carries, contracts' instances included: from 2 to [`KEYS_PER_CALL_MAX`].
    pub keys_per_call: usize,
    /// How many bytes of an answer are read, after decompression.
    pub body_limit_bytes: usize,
    /// How long keys wait for company while an [`Intent`](crate::Intent) says that more are coming.
    pub linger: Duration,
}

impl Config {
    /// That endpoint, with the defaults: any network, 30 s, 8 requests in flight, 100 a second, 200 keys a call,
    /// 32 MiB an answer (200 entries of the network's maximal 64 KiB are 18 MB in base64), 500 ms of linger.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            network_passphrase: None,
            timeout: Duration::from_secs(30),
            calls_in_flight: 8,
            calls_per_second: 100,
            keys_per_call: KEYS_PER_CALL_MAX,
            body_limit_bytes: 32 * 1024 * 1024,
            linger: Duration::from_millis(500),
        }
    }
}
