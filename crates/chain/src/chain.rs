use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stellar_xdr::{LedgerKey, ScVal};
use trueup_judge::Durability;

use crate::batch::{Batch, Intent};
use crate::endpoints::Endpoints;
use crate::values::ledger_key;
use crate::{
    ChainError, Config, ContractError, EventPage, EventsFrom, Health, KEYS_PER_CALL_MAX, Network, ReadError, Reading, Running,
    SurveyedEndpoint, TransactionReading, ViewCall, ViewReading,
};

/// The fewest keys a call can carry: one, and its contract's instance.
const KEYS_PER_CALL_MIN: usize = 2;
/// How long keys of those who cannot wait are gathered.
const URGENT_LINGER: Duration = Duration::from_millis(5);
/// The most endpoints that can be asked to agree.
const AGREEING_MAX: usize = 2;
/// The newest protocol whose ledger entries and results `stellar-xdr` 30 describes: its major version is the
/// protocol's number.
pub const PROTOCOL_SUPPORTED: u32 = 30;

/// A chain, as its endpoints show it: the best one is asked, and the next where that one does not answer. Clones share
/// everything: keys of all of them go out in the same calls.
///
/// It ends with its last clone; what was asked until then is still answered.
#[derive(Clone)]
pub struct Chain {
    endpoints: Endpoints,
    network: Arc<Network>,
    batch: Batch,
    apart: Arc<Apart>,
}

/// The batches of those who want another endpoint than a certain one, by its name. One for each endpoint at most.
struct Apart {
    config: Config,
    batches: Mutex<BTreeMap<String, Batch>>,
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("endpoint", &self.endpoints.first()).field("network", &self.network).finish_non_exhaustive()
    }
}

// === impl Chain ===

impl Chain {
    /// Connects: asks each endpoint which network it belongs to, and compares. Must run within tokio.
    ///
    /// # Errors
    /// The configuration is wrong, no endpoint answers as an RPC server, or one belongs to another network.
    pub async fn connect(config: Config) -> Result<Self, ChainError> {
        if !(KEYS_PER_CALL_MIN..=KEYS_PER_CALL_MAX).contains(&config.keys_per_call) {
            let what = format!("keys per call must be from {KEYS_PER_CALL_MIN} to {KEYS_PER_CALL_MAX}, not {}", config.keys_per_call);
            return Err(ChainError::Config(what));
        }
        if config.max_lag_ledgers == 0 {
            return Err(ChainError::Config("max lag must be at least 1 ledger: endpoints of one chain are never quite in step".to_owned()));
        }
        if !(1..=AGREEING_MAX).contains(&config.confirm) {
            return Err(ChainError::Config(format!("confirm must be 1 or {AGREEING_MAX}, not {}", config.confirm)));
        }
        if config.confirm > config.urls.len().max(1) {
            return Err(ChainError::Config(format!(
                "confirm = {} wants that many endpoints to agree before a repair, and {} is configured; add another RPC URL, or leave out confirm",
                config.confirm,
                config.urls.len()
            )));
        }
        let endpoints = Endpoints::connect(&config).await?;
        let network = Arc::new(endpoints.network());
        let batch = Batch::start(endpoints.clone(), &config);
        Ok(Self { endpoints, network, batch, apart: Arc::new(Apart { config, batches: Mutex::default() }) })
    }

    /// Whether a second endpoint must agree before anything is written.
    #[must_use]
    pub fn needs_agreement(&self) -> bool {
        self.apart.config.confirm > 1
    }

    /// The same chain without that endpoint: whatever is read there, another endpoint has answered. Its keys share
    /// calls with those of everyone who reads apart from the same endpoint. Where there is no other, every read is an
    /// error.
    #[must_use]
    pub fn apart_from(&self, endpoint: &str) -> Self {
        let endpoints = self.endpoints.apart_from(endpoint);
        let mut batches = self.apart.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let known = batches.get(endpoint).cloned();
        let batch = known.unwrap_or_else(|| {
            let batch = Batch::start(endpoints.clone(), &self.apart.config);
            if self.endpoints.names().any(|name| name == endpoint) {
                batches.insert(endpoint.to_owned(), batch.clone());
            }
            batch
        });
        drop(batches);
        Self { endpoints, network: Arc::clone(&self.network), batch, apart: Arc::clone(&self.apart) }
    }

    /// The same chain for those who cannot wait: their keys share calls with one another alone, and a call that is not
    /// full goes out almost at once. Costs more calls than waiting for company. Must run within tokio.
    #[must_use]
    pub fn urgent(&self) -> Self {
        let config = Config { linger: URGENT_LINGER, ..self.apart.config.clone() };
        let batch = Batch::start(self.endpoints.clone(), &config);
        Self { endpoints: self.endpoints.clone(), network: Arc::clone(&self.network), batch, apart: Arc::clone(&self.apart) }
    }

    /// Announces keys that are being found, so that calls wait for them. See [`Intent`].
    pub fn intent(&self) -> Intent {
        self.batch.intent()
    }

    /// Reads these keys, in their order. They share calls with everyone else's; a key given twice is read once. An
    /// error concerns its key alone, and an absence is a [`Reading`] without an entry.
    ///
    /// Dropping the future disturbs nobody.
    pub async fn read(&self, keys: Vec<LedgerKey>) -> Vec<Result<Reading, ReadError>> {
        self.batch.read(&keys, None).await
    }

    /// [`read`](Self::read), for keys that were announced. The intent ends when the keys have reached the batch, so
    /// that the caller does not wait for itself.
    pub async fn read_announced(&self, keys: Vec<LedgerKey>, intent: Intent) -> Vec<Result<Reading, ReadError>> {
        self.batch.read(&keys, Some(intent)).await
    }

    /// Reads groups of keys that belong together, in their order; the readings of a group are in the order of its
    /// keys, and are mutually consistent: one response has shown all of them, or, where no call carries the group,
    /// nothing changed between those that have. An error concerns its group alone. Groups share calls with everyone
    /// else's keys, and what several groups of a call have in common is read once.
    ///
    /// The intent announced the keys, as in [`read_announced`](Self::read_announced).
    pub async fn read_groups(&self, groups: Vec<Vec<LedgerKey>>, intent: Intent) -> Vec<Result<Vec<Reading>, ReadError>> {
        self.batch.read_groups(&groups, intent).await
    }

    /// What has become of a transaction, by its hash in hex.
    ///
    /// # Errors
    /// There is no usable answer. Not being found is an answer.
    pub async fn transaction(&self, hash: &str) -> Result<TransactionReading, ReadError> {
        let (_, reading) = self.endpoints.any(|rpc| async move { rpc.transaction(hash).await }).await?;
        Ok(reading)
    }

    /// A page of what these contracts emitted, at most `limit` events, from a ledger or from where the page before
    /// ended.
    ///
    /// # Errors
    /// There is no usable answer. Ledgers that the endpoint does not keep, or does not have yet, are an RPC error.
    ///
    /// # Panics
    /// For no contract or more than [`CONTRACTS_PER_CALL_MAX`](crate::CONTRACTS_PER_CALL_MAX), and for a limit that is
    /// not from 1 to [`EVENTS_PER_PAGE_MAX`](crate::EVENTS_PER_PAGE_MAX).
    pub async fn events(&self, contracts: &[String], from: &EventsFrom, limit: usize) -> Result<EventPage, ReadError> {
        let (_, page) = self.endpoints.any(|rpc| async move { rpc.events(contracts, from, limit).await }).await?;
        Ok(page)
    }

    /// What a view returns. Each call is a request of its own; whoever makes many shares the limits with everyone else.
    ///
    /// # Errors
    /// There is no usable answer. A view that fails is an answer.
    pub async fn view(&self, call: &ViewCall) -> Result<ViewReading, ReadError> {
        let (_, reading) = self.endpoints.any(|rpc| async move { rpc.view(call).await }).await?;
        Ok(reading)
    }

    /// How the best endpoint is. Not kept: each call asks.
    ///
    /// # Errors
    /// There is no usable answer; an unhealthy endpoint answers with an RPC error.
    pub async fn health(&self) -> Result<Health, ReadError> {
        let (_, health) = self.endpoints.any(|rpc| async move { rpc.health().await }).await?;
        Ok(health)
    }

    /// The network, as it was when the endpoints were connected to.
    #[must_use]
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The network, as the endpoints say it now; its protocol is the newest that one of them runs.
    ///
    /// # Errors
    /// None answers, or all belong to another network.
    pub async fn network_now(&self) -> Result<Network, ReadError> {
        self.endpoints.network_now().await
    }

    /// Waits until every endpoint was found to be of another network while it was used. None of them is asked again,
    /// so that only a process that is started anew can go on. The error says what is wrong with the first.
    pub async fn forsaken(&self) -> ReadError {
        self.endpoints.forsaken().await
    }

    /// What a contract runs, as of now; none if it is not on chain.
    ///
    /// # Errors
    /// The address is no contract's, or there is no usable answer.
    pub async fn running(&self, contract: &str) -> Result<Option<Running>, ContractError> {
        let key = ledger_key(contract, ScVal::LedgerKeyContractInstance, Durability::Persistent)?;
        match self.read(vec![key]).await.pop() {
            Some(reading) => Ok(reading?.runs),
            None => Ok(None),
        }
    }

    /// Whether this version understands the protocol that the network runs, as its endpoints said last. What it does
    /// not understand may be decoded wrongly, so that nothing may be written because of it.
    ///
    /// # Errors
    /// A sentence that says which endpoint runs which protocol, and what to do.
    pub fn protocol_supported(&self) -> Result<(), String> {
        match self.endpoints.networks().into_iter().find(|(_, network)| network.protocol_version > Some(PROTOCOL_SUPPORTED)) {
            Some((endpoint, Network { protocol_version: Some(version), .. })) => Err(format!(
                "RPC {endpoint} runs protocol {version}, and this version of trueup knows protocols up to {PROTOCOL_SUPPORTED}: update trueup"
            )),
            _ => Ok(()),
        }
    }

    /// How every endpoint is, in the order in which they are preferred. Not kept: each call asks all of them.
    pub async fn survey(&self) -> Vec<SurveyedEndpoint> {
        self.endpoints.survey().await
    }

    /// The endpoints that this process did not use for some of that time up to now, each with its reason.
    #[must_use]
    pub fn set_aside_within(&self, time: Duration) -> Vec<String> {
        self.endpoints.set_aside_within(time)
    }

    /// The preferred endpoint as host and port, without credentials.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.endpoints.first()
    }

    /// How many requests were really sent, retries included, by JSON-RPC method. Every method there is has its line.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        self.endpoints.sent()
    }
}
