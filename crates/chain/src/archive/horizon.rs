use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::Semaphore;
use trueup_judge::Answer;

use super::History;
use crate::endpoint::Endpoint;
use crate::rpc::{CallRate, Http, Retry, canonical, field};
use crate::transaction::{RecordedEffects, outcome};
use crate::{ChainError, Config, ReadError, TransactionReading, transaction_facts};

/// HTTP: there is no such transaction.
const HTTP_NOT_FOUND: u16 = 404;
/// HTTP: it is older than what this Horizon keeps.
const HTTP_GONE: u16 = 410;
/// How many bytes of an answer are read: an envelope, a result and a meta, in base64.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How long a moment's text may be (`2026-11-21T03:19:00.000000Z`).
const MOMENT_CHARS_MAX: usize = 32;

/// How a Horizon server is reached.
#[derive(Debug, Clone)]
pub struct HorizonConfig {
    /// Its root, `http://` or `https://`. May hold credentials; they are never shown.
    pub url: String,
    /// The network that it must belong to.
    pub network_passphrase: String,
    /// How long one HTTP attempt may take.
    pub timeout: Duration,
    /// How many requests are open at a time, at least 1.
    pub calls_in_flight: usize,
    /// How many requests are started in a second, at least 1.
    pub calls_per_second: u32,
}

/// A Horizon server, as an archive of transactions. Only read: it is sent nothing but `GET`.
pub struct Horizon {
    http: Http,
    in_flight: Semaphore,
    rate: CallRate,
    sent: AtomicU64,
    passphrase: String,
}

impl std::fmt::Debug for Horizon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Horizon").field("endpoint", &self.http.endpoint()).finish_non_exhaustive()
    }
}

// === impl HorizonConfig ===

impl HorizonConfig {
    /// That server, with the defaults: 30 s, 4 requests in flight, 10 a second.
    #[must_use]
    pub fn new(url: impl Into<String>, network_passphrase: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            network_passphrase: network_passphrase.into(),
            timeout: Duration::from_secs(30),
            calls_in_flight: 4,
            calls_per_second: 10,
        }
    }
}

// === impl Horizon ===

impl Horizon {
    /// Connects: asks the server which network it belongs to, and compares.
    ///
    /// # Errors
    /// The configuration is wrong, the server does not answer as Horizon, or it belongs to another network.
    pub async fn connect(config: HorizonConfig) -> Result<Self, ChainError> {
        let per_second = NonZeroU32::new(config.calls_per_second)
            .ok_or_else(|| ChainError::Config("Horizon's calls per second must be at least 1".to_owned()))?;
        if config.calls_in_flight == 0 || config.calls_in_flight > Semaphore::MAX_PERMITS {
            return Err(ChainError::Config("Horizon's calls in flight must be at least 1".to_owned()));
        }
        let endpoint = Endpoint::parse(&config.url).map_err(|error| match error {
            ChainError::Config(what) => ChainError::Config(what.replacen("the RPC URL", "the URL of Horizon", 1)),
            error => error,
        })?;
        let http = Config { timeout: config.timeout, body_limit_bytes: BODY_BYTES_MAX, ..Config::new("") };
        let rate = CallRate::new(&endpoint.name, per_second);
        let horizon = Self {
            http: Http::new(endpoint, &http)?,
            in_flight: Semaphore::new(config.calls_in_flight),
            rate,
            sent: AtomicU64::new(0),
            passphrase: config.network_passphrase,
        };
        let root = horizon.get("").await?.ok_or_else(|| horizon.garbage("there is nothing at its root"))?;
        let found = field::text(&root, "network_passphrase").map_err(|what| horizon.garbage(&what))?.to_owned();
        if found != horizon.passphrase {
            let (endpoint, expected) = (horizon.endpoint().to_owned(), horizon.passphrase);
            return Err(ChainError::ArchiveOfAnotherNetwork { endpoint, expected, found });
        }
        Ok(horizon)
    }

    /// The server as host and port, without credentials.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.http.endpoint()
    }

    /// How many requests were really sent, retries included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// None for what is not found.
    async fn get(&self, path: &str) -> Result<Option<Value>, ReadError> {
        let attempt = || async {
            // The semaphore is never closed.
            let _permit = self.in_flight.acquire().await.ok();
            let request = async {
                self.sent.fetch_add(1, Ordering::Relaxed);
                self.http.get(path).await
            };
            self.rate.send(request).await
        };
        let body = match Retry::Few.run(attempt).await {
            Ok(body) => body,
            Err(ReadError::Http { status: HTTP_NOT_FOUND | HTTP_GONE, .. }) => return Ok(None),
            Err(error) => return Err(error.of_archive()),
        };
        serde_json::from_slice(&body).map(Some).map_err(|error| self.garbage(&format!("no JSON: {error}")))
    }

    fn garbage(&self, what: &str) -> ReadError {
        ReadError::Garbage { endpoint: self.endpoint().to_owned(), what: what.to_owned() }.of_archive()
    }
}

/// Reads a transaction's record. Its envelope proves that it is the one that was asked for.
pub(crate) fn read(record: &Value, hash: &str, passphrase: &str, endpoint: &str) -> Result<TransactionReading, String> {
    let facts = transaction_facts(field::text(record, "envelope_xdr")?, passphrase).map_err(|error| error.to_string())?;
    if !facts.is_of(hash) {
        return Err(format!("asked for {hash}, answered {}", facts.hash));
    }
    let xdr = field::text(record, "result_xdr")?;
    let outcome = outcome(xdr).map_err(|what| format!("`result_xdr` of {hash}: {what}"))?;
    let successful = record.get("successful").and_then(Value::as_bool).ok_or("`successful` is not true or false")?;
    if successful != outcome.succeeded {
        return Err(format!("`successful` of {hash} is {successful}, and its result is {}", outcome.code));
    }
    let ledger = field::ledger(record, "ledger")?;
    let closed_at = field::text(record, "created_at")?;
    if closed_at.len() > MOMENT_CHARS_MAX || !closed_at.bytes().all(|it| it.is_ascii_digit() || b"-:.TZ+".contains(&it)) {
        return Err("`created_at` is no moment".to_owned());
    }
    let mut reading = nothing(endpoint, ledger);
    reading.decided(&outcome, ledger, closed_at.to_owned(), xdr);
    reading.effects.meta = record.get("result_meta_xdr").and_then(Value::as_str).map(str::to_owned);
    Ok(reading)
}

fn nothing(endpoint: &str, ledger: u32) -> TransactionReading {
    TransactionReading {
        endpoint: endpoint.to_owned(),
        ledger,
        answer: Answer::NotFound,
        retention: None,
        values: Vec::new(),
        result_xdr: None,
        effects: RecordedEffects::default(),
    }
}

impl History for Horizon {
    async fn transaction(&self, hash: &str) -> Result<TransactionReading, ReadError> {
        let hash = canonical(hash)?;
        match self.get(&format!("transactions/{hash}")).await? {
            Some(record) => read(&record, &hash, &self.passphrase, self.endpoint()).map_err(|what| self.garbage(&what)),
            None => Ok(nothing(self.endpoint(), 0)),
        }
    }
}
