use std::collections::BTreeMap;
use std::sync::Arc;

use stellar_xdr::LedgerKey;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::batch::{AskedKey, Batcher, Intent, Intents, Request, Waiter, asked_keys};
use crate::rpc::Rpc;
use crate::{ChainError, Config, Health, KEYS_PER_CALL_MAX, Network, ReadError, Reading, TransactionReading};

/// The fewest keys a call can carry: one, and its contract's instance.
const KEYS_PER_CALL_MIN: usize = 2;

/// A chain, as one endpoint shows it. Clones share everything: keys of all of them go out in the same calls.
///
/// It ends with its last clone; what was asked until then is still answered.
#[derive(Clone)]
pub struct Chain {
    rpc: Arc<Rpc>,
    network: Arc<Network>,
    intents: Intents,
    requests: UnboundedSender<Request>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("endpoint", &self.rpc.endpoint()).field("network", &self.network).finish_non_exhaustive()
    }
}

// === impl Chain ===

impl Chain {
    /// Connects: asks the endpoint which network it belongs to, and compares. Must run within tokio.
    ///
    /// # Errors
    /// The configuration is wrong, the endpoint does not answer as an RPC server, or it belongs to another network.
    pub async fn connect(config: Config) -> Result<Self, ChainError> {
        if !(KEYS_PER_CALL_MIN..=KEYS_PER_CALL_MAX).contains(&config.keys_per_call) {
            let what = format!("keys per call must be from {KEYS_PER_CALL_MIN} to {KEYS_PER_CALL_MAX}, not {}", config.keys_per_call);
            return Err(ChainError::Config(what));
        }
        let rpc = Arc::new(Rpc::new(&config)?);
        let network = rpc.network().await?;
        if let Some(expected) = config.network_passphrase.filter(|expected| *expected != network.passphrase) {
            return Err(ChainError::WrongNetwork { endpoint: rpc.endpoint().to_owned(), expected, found: network.passphrase });
        }
        let intents = Intents::default();
        let (requests, received) = unbounded_channel();
        let batcher = Batcher {
            rpc: Arc::clone(&rpc),
            intents: intents.clone(),
            requests: received,
            keys_per_call: config.keys_per_call,
            calls_in_flight: config.calls_in_flight,
            linger: config.linger,
        };
        tokio::spawn(batcher.run());
        Ok(Self { rpc, network: Arc::new(network), intents, requests })
    }

    /// Announces keys that are being found, so that calls wait for them. See [`Intent`].
    pub fn intent(&self) -> Intent {
        self.intents.announce()
    }

    /// Reads these keys, in their order. They share calls with everyone else's; a key given twice is read once. An
    /// error concerns its key alone, and an absence is a [`Reading`] without an entry.
    ///
    /// Dropping the future disturbs nobody.
    pub async fn read(&self, keys: Vec<LedgerKey>) -> Vec<Result<Reading, ReadError>> {
        self.gather(&keys, None).await
    }

    /// [`read`](Self::read), for keys that were announced. The intent ends when the keys have reached the batch, so
    /// that the caller does not wait for itself.
    pub async fn read_announced(&self, keys: Vec<LedgerKey>, intent: Intent) -> Vec<Result<Reading, ReadError>> {
        self.gather(&keys, Some(intent)).await
    }

    /// What has become of a transaction, by its hash in hex.
    ///
    /// # Errors
    /// There is no usable answer. Not being found is an answer.
    pub async fn transaction(&self, hash: &str) -> Result<TransactionReading, ReadError> {
        self.rpc.transaction(hash).await
    }

    /// How the endpoint is. Not kept: each call asks.
    ///
    /// # Errors
    /// There is no usable answer; an unhealthy endpoint answers with an RPC error.
    pub async fn health(&self) -> Result<Health, ReadError> {
        self.rpc.health().await
    }

    /// The network, as it was when the endpoint was connected to.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The endpoint as host and port, without credentials.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.rpc.endpoint()
    }

    /// How many requests were really sent, retries included, by JSON-RPC method. Every method there is has its line.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.rpc.sent()
    }

    async fn gather(&self, keys: &[LedgerKey], intent: Option<Intent>) -> Vec<Result<Reading, ReadError>> {
        let (answers, mut received) = unbounded_channel();
        let mut results: Vec<Option<Result<Reading, ReadError>>> = vec![None; keys.len()];
        let mut wanted: Vec<(AskedKey, Waiter)> = Vec::with_capacity(keys.len());
        for (place, asked) in asked_keys(keys).into_iter().enumerate() {
            match asked {
                Ok(asked) => wanted.push((asked, Waiter { place, answers: answers.clone() })),
                Err(error) => results[place] = Some(Err(self.lost(&format!("the key cannot be encoded: {error}")))),
            }
        }
        drop(answers);
        if !wanted.is_empty() {
            // Fails only if the task is gone, and then the channel of answers ends at once.
            let _ = self.requests.send(Request { keys: wanted, intent });
        }
        while let Some((place, answer)) = received.recv().await {
            results[place] = Some(answer);
        }
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(self.lost("the call was lost within this process")))).collect()
    }

    fn lost(&self, what: &str) -> ReadError {
        ReadError::Transport { endpoint: self.rpc.endpoint().to_owned(), what: what.to_owned() }
    }
}
