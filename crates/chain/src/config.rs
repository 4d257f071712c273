use std::time::Duration;

/// How many keys the server takes in one `getLedgerEntries` (stellar-rpc: `getLedgerEntriesMaxKeys`).
pub const KEYS_PER_CALL_MAX: usize = 200;

/// How a chain is reached.
#[derive(Debug, Clone)]
pub struct Config {
    /// The JSON-RPC endpoints, `http://` or `https://`, the preferred one first; at least one, none twice. They may hold
    /// credentials, which are never shown.
    pub urls: Vec<String>,
    /// The network that every endpoint must belong to; none: whichever the first is of.
    pub network_passphrase: Option<String>,
    /// How long one HTTP attempt may take, from the request's first byte to the answer's last.
    pub timeout: Duration,
    /// How many requests are open at a time at each endpoint, at least 1.
    pub calls_in_flight: usize,
    /// How many requests are started in a second, at least 1. At each endpoint, and of this process: several
    /// processes add up.
    pub calls_per_second: u32,
    /// How many keys one call carries, contracts' instances included: from 2 to [`KEYS_PER_CALL_MAX`].
    pub keys_per_call: usize,
    /// How many bytes of an answer are read, after decompression.
    pub body_limit_bytes: usize,
    /// How long keys wait for company while an [`Intent`](crate::Intent) says that more are coming.
    pub linger: Duration,
    /// How many ledgers an endpoint may be behind the newest that is known, at least 1. One that is further behind is
    /// not used until it has caught up.
    pub max_lag_ledgers: u32,
    /// How many endpoints must show the same before anything is written: 1, or 2 where there are as many.
    pub confirm: usize,
    /// How often several endpoints are compared while they are in use.
    pub watch_every: Duration,
    /// How often an endpoint in use is asked again which network it belongs to.
    pub network_check_every: Duration,
}

impl Config {
    /// That endpoint, with the defaults.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { urls: vec![url.into()], ..Self::default() }
    }
}

impl Default for Config {
    /// No endpoint yet, and: any network, 30 s, 8 requests in flight, 100 a second, 200 keys a call, 32 MiB an answer
    /// (200 entries of the network's maximal 64 KiB are 18 MB in base64), 500 ms of linger, 5 ledgers of lag, no second
    /// endpoint, endpoints compared every 5 s, the network asked for every minute.
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            network_passphrase: None,
            timeout: Duration::from_secs(30),
            calls_in_flight: 8,
            calls_per_second: 100,
            keys_per_call: KEYS_PER_CALL_MAX,
            body_limit_bytes: 32 * 1024 * 1024,
            linger: Duration::from_millis(500),
            max_lag_ledgers: 5,
            confirm: 1,
            watch_every: Duration::from_secs(5),
            network_check_every: Duration::from_secs(60),
        }
    }
}
