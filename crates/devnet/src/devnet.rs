//! The handle on a devnet: accounts, calls, ledgers and entries.

use crate::address;
use crate::chain::{Chain, Included};
use crate::config::{AutoClose, Config};
use crate::entries::StoredEntry;
use crate::error::Error;
use crate::execute::account;
use crate::execute::run::Submission;
use crate::faults::FaultSwitch;
use crate::keys::Keypair;
use crate::xdr;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;
use stellar_xdr::{HostFunction, InvokeContractArgs, LedgerKey, ScSymbol, ScVal};

/// A local chain. Clones share it.
#[derive(Clone)]
pub struct Devnet {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) root: Keypair,
    chain: Mutex<Chain>,
    calls: Mutex<BTreeMap<String, u64>>,
    simulations: AtomicU64,
    faults: FaultSwitch,
}

/// A call of a contract by one of the devnet's own accounts.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls, pays and authorizes.
    pub source: Keypair,
    /// The contract (`C…`).
    pub contract: String,
    /// Its function.
    pub function: String,
    /// The function's arguments.
    pub args: Vec<ScVal>,
}

/// A transaction that a ledger holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// Transaction hash, lower-case hex.
    pub hash: String,
    /// The ledger that holds it.
    pub ledger: u32,
    /// Whether it succeeded.
    pub status: Status,
    /// The transaction's result code: `txSuccess`, `txFailed`.
    pub result_code: String,
    /// What the contract returned; `None` if the transaction failed.
    pub return_value: Option<ScVal>,
    /// The host's own words on a failure.
    pub error: Option<String>,
}

/// What a closed ledger says of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The ledger that holds it.
    pub ledger: u32,
    /// Whether it took effect.
    pub succeeded: bool,
    /// When that ledger closed, Unix seconds.
    pub closed_at: u64,
    /// XDR of its `TransactionResult`.
    pub result: Vec<u8>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It took effect.
    Success,
    /// Only its fee and its sequence number did.
    Failed,
}

/// A closed ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Its sequence.
    pub sequence: u32,
    /// Its hash, lower-case hex.
    pub hash: String,
    /// Unix seconds.
    pub close_time: u64,
}

// === impl Devnet ===

impl Devnet {
    /// A new chain with nothing on it but a root account.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let root = Keypair::derive(config.seed, "root");
        let shared = Arc::new(Shared {
            chain: Mutex::new(Chain::new(config.clone(), &root)),
            calls: Mutex::default(),
            simulations: AtomicU64::new(0),
            faults: FaultSwitch::default(),
            root,
            config,
        });
        if let AutoClose::Every(period) = shared.config.auto_close {
            close_every(Arc::downgrade(&shared), period);
        }
        Self { shared }
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// The key pair of an index, funded on first use (in a ledger of its own;
    /// fund many at once with [`Devnet::fund_accounts`]). Account 0 deploys the
    /// contracts and is their admin.
    ///
    /// # Errors
    /// The root account ran dry.
    pub fn account(&self, index: u32) -> Result<Keypair, Error> {
        let key = self.key(index);
        self.fund(&[key.account_id()])?;
        Ok(key)
    }

    /// The key pairs of `0..count`, funded in one ledger.
    ///
    /// # Errors
    /// The root account ran dry.
    pub fn fund_accounts(&self, count: u32) -> Result<Vec<Keypair>, Error> {
        let keys: Vec<Keypair> = (0..count).map(|index| self.key(index)).collect();
        let ids: Vec<_> = keys.iter().map(Keypair::account_id).collect();
        self.fund(&ids)?;
        Ok(keys)
    }

    /// The key pair of an index, whether or not it has an account.
    #[must_use]
    pub fn key(&self, index: u32) -> Keypair {
        Keypair::derive(self.shared.config.seed, &format!("account {index}"))
    }

    /// Calls a contract in a transaction and includes it: at once in a ledger
    /// of its own, with whatever else waits.
    ///
    /// # Errors
    /// A bad address, an account that does not exist, or a call that needs a
    /// signature which is not its source's. A call that *fails* is no error:
    /// see [`Invoked::status`].
    pub fn invoke(&self, source: &Keypair, contract: &str, function: &str, args: Vec<ScVal>) -> Result<Invoked, Error> {
        let call = Call { source: source.clone(), contract: contract.to_owned(), function: function.to_owned(), args };
        self.run(source, call.host_function()?)
    }

    /// Makes many calls, `per_ledger` in each ledger, and waits for them on a
    /// blocking thread. The result has one item a call, in order.
    ///
    /// # Errors
    /// As [`Devnet::invoke`]; the calls before the bad one stay included.
    pub async fn invoke_many(&self, calls: Vec<Call>, per_ledger: usize) -> Result<Vec<Invoked>, Error> {
        let devnet = self.clone();
        tokio::task::spawn_blocking(move || devnet.invoke_many_blocking(calls, per_ledger))
            .await
            .map_err(|error| Error::Io(std::io::Error::other(error)))?
    }

    /// [`Devnet::invoke_many`] on this thread.
    ///
    /// # Errors
    /// As [`Devnet::invoke_many`].
    pub fn invoke_many_blocking(&self, calls: Vec<Call>, per_ledger: usize) -> Result<Vec<Invoked>, Error> {
        let mut invoked = Vec::with_capacity(calls.len());
        let mut calls = calls.into_iter().peekable();
        while calls.peek().is_some() {
            // The lock is given back after every ledger, so that readers get in between.
            let mut chain = self.chain();
            let mut count = 0;
            for call in calls.by_ref().take(per_ledger.max(1)) {
                let function = call.host_function()?;
                enqueue(&mut chain, &call.source, function)?;
                count += 1;
            }
            let mut included = chain.close(Vec::new());
            drop(chain);
            let own = included.split_off(included.len() - count);
            for one in own {
                invoked.push(Invoked::of(one)?);
            }
        }
        Ok(invoked)
    }

    /// Runs a host function as a transaction of `source`, in a ledger now.
    pub(crate) fn run(&self, source: &Keypair, function: HostFunction) -> Result<Invoked, Error> {
        let mut chain = self.chain();
        enqueue(&mut chain, source, function)?;
        last(chain.close(Vec::new()))
    }

    /// Closes a ledger with whatever waits.
    pub fn close_ledger(&self) -> Ledger {
        let mut chain = self.chain();
        chain.close(Vec::new());
        Ledger::latest_of(&chain)
    }

    /// The latest closed ledger.
    #[must_use]
    pub fn latest(&self) -> Ledger {
        Ledger::latest_of(&self.chain())
    }

    /// The entry of a key.
    #[must_use]
    pub fn entry(&self, key: &LedgerKey) -> Option<StoredEntry> {
        let key = xdr::bytes(key);
        self.read_entries(|entries| entries.get(&key).cloned())
    }

    /// The entry of a key as of the end of a past ledger, at most [`crate::UNDO_LEDGERS`] writing ledgers back: what
    /// an honest endpoint would have answered then.
    #[must_use]
    pub fn entry_at(&self, key: &LedgerKey, ledger: u32) -> Option<StoredEntry> {
        let key = xdr::bytes(key);
        self.read_entries(|entries| entries.get_at(&key, ledger).cloned())
    }

    /// What became of a transaction (lower-case hex hash), while its ledger is kept.
    #[must_use]
    pub fn recorded(&self, hash: &str) -> Option<Recorded> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(hash, &mut bytes).ok()?;
        let chain = self.chain();
        let (ledger, index) = chain.transaction(&bytes)?;
        let transaction = ledger.transactions.get(index)?;
        Some(Recorded {
            ledger: ledger.sequence,
            succeeded: transaction.succeeded,
            closed_at: ledger.close_time,
            result: transaction.result.clone(),
        })
    }

    /// How many entries the chain holds.
    #[must_use]
    pub fn entry_count(&self) -> usize {
        self.read_entries(crate::entries::Entries::len)
    }

    /// JSON-RPC methods that were called, over all endpoints, with how often.
    #[must_use]
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.shared.calls.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }

    /// Forgets the counts of [`Devnet::calls`].
    pub fn reset_calls(&self) {
        self.shared.calls.lock().unwrap_or_else(|e| e.into_inner()).clear();
    }

    pub(crate) fn count_call(&self, method: &str) {
        let mut calls = self.shared.calls.lock().unwrap_or_else(|e| e.into_inner());
        *calls.entry(method.to_owned()).or_default() += 1;
    }

    /// A number for every simulation, so that no two record the same nonce.
    pub(crate) fn next_draw(&self) -> u64 {
        self.shared.simulations.fetch_add(1, Ordering::Relaxed)
    }

    /// The fault switches of the endpoint that [`Devnet::serve`] serves.
    #[must_use]
    pub fn faults(&self) -> &FaultSwitch {
        &self.shared.faults
    }

    pub(crate) fn chain(&self) -> MutexGuard<'_, Chain> {
        // A panic while a ledger closed leaves the chain at the one before.
        self.shared.chain.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(crate) fn read_entries<T>(&self, read: impl FnOnce(&crate::entries::Entries) -> T) -> T {
        let entries = self.chain().entries().clone();
        let entries = entries.read().unwrap_or_else(|e| e.into_inner());
        read(&entries)
    }
}

// === impl Call ===

impl Call {
    pub(crate) fn host_function(&self) -> Result<HostFunction, Error> {
        Ok(HostFunction::InvokeContract(InvokeContractArgs {
            contract_address: stellar_xdr::ScAddress::Contract(address::parse_contract(&self.contract)?),
            function_name: ScSymbol(self.function.as_str().try_into()?),
            args: self.args.clone().try_into()?,
        }))
    }
}

// === impl Invoked ===

impl Invoked {
    pub(crate) fn of(included: Included) -> Result<Self, Error> {
        if let Some(address) = included.needs_signature {
            return Err(Error::NeedsSignature(address));
        }
        Ok(Self {
            hash: hex::encode(included.hash),
            ledger: included.ledger,
            status: if included.succeeded { Status::Success } else { Status::Failed },
            result_code: included.result_code,
            return_value: included.return_value,
            error: included.error,
        })
    }
}

// === impl Ledger ===

impl Ledger {
    fn latest_of(chain: &Chain) -> Self {
        let latest = chain.latest();
        Self { sequence: latest.sequence, hash: hex::encode(latest.hash), close_time: latest.close_time }
    }
}

/// The last transaction of a ledger that was just closed.
pub(crate) fn last(mut included: Vec<Included>) -> Result<Invoked, Error> {
    included
        .pop()
        .map_or_else(|| Err(Error::Failed { what: "closing a ledger".to_owned(), code: "it holds no transaction".to_owned() }), Invoked::of)
}

fn enqueue(chain: &mut Chain, source: &Keypair, function: HostFunction) -> Result<(), Error> {
    let id = source.account_id();
    let sequence = chain.next_sequence(&id).ok_or_else(|| Error::NoAccount(source.address()))?;
    chain.enqueue(Submission::Own { source: source.clone(), sequence, function: Box::new(function) });
    Ok(())
}

/// Closes ledgers on a timer for as long as the devnet lives.
fn close_every(shared: Weak<Shared>, period: Duration) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(period);
            let Some(shared) = shared.upgrade() else {
                return;
            };
            Devnet { shared }.close_ledger();
        }
    });
}

/// The account entry's key, for tests of sequence numbers and balances.
#[must_use]
pub fn account_key(keypair: &Keypair) -> LedgerKey {
    account::key(&keypair.account_id())
}
