//! The chain: contracts, users and endpoints.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stellar_xdr::{Limits, ScVal, WriteXdr};
use trueup_devnet::{Call, Deployed, Devnet, Faults, Invoked, Keypair, Served};

use crate::kind::Kind;

/// Accounts that use the contracts.
const USERS: u32 = 12;
/// How long before the simulation the chain begins, in chain seconds: more than all its ledgers take.
const CHAIN_AGE_SECS: u64 = 12 * 3600;

/// The chain of one seed.
pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) contracts: Deployed,
    pub(crate) users: Vec<Keypair>,
    pub(crate) endpoints: Vec<Served>,
    lagged: AtomicBool,
    /// When which ledger closed, by this machine's clock, which is the database server's too.
    closes: Mutex<Vec<(SystemTime, u32)>>,
}

// === impl World ===

impl World {
    /// A chain with its contracts, behind so many endpoints.
    pub(crate) async fn create(seed: u64, endpoints: usize) -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let config = trueup_devnet::Config { seed, start_close_time: now - CHAIN_AGE_SECS, ..trueup_devnet::Config::default() };
        let devnet = Devnet::new(config);
        let chain = devnet.clone();
        let made = tokio::task::spawn_blocking(move || anyhow::Ok((chain.deploy_all()?, chain.fund_accounts(USERS)?)));
        let (contracts, users) = made.await??;
        let mut served = Vec::new();
        for _ in 0..endpoints {
            served.push(devnet.serve_with("127.0.0.1:0", Faults::default()).await?);
        }
        Ok(Self { devnet, contracts, users, endpoints: served, lagged: AtomicBool::new(false), closes: Mutex::default() })
    }

    pub(crate) fn user(&self, pick: u32) -> &Keypair {
        &self.users[pick as usize % self.users.len()]
    }

    pub(crate) fn call(&self, source: &Keypair, contract: &str, function: &str, args: Vec<ScVal>) -> Call {
        Call { source: source.clone(), contract: contract.to_owned(), function: function.to_owned(), args }
    }

    /// Makes a call, in a ledger of its own.
    pub(crate) async fn invoke(&self, call: &Call) -> anyhow::Result<Invoked> {
        let invoked = self.devnet.invoke_many(vec![call.clone()], 1).await?.pop().context("a call has an end")?;
        self.closes.lock().unwrap_or_else(|error| error.into_inner()).push((SystemTime::now(), invoked.ledger));
        Ok(invoked)
    }

    /// The newest ledger that had closed at a moment; none before the simulation's first.
    pub(crate) fn tip_at(&self, moment: SystemTime) -> Option<u32> {
        let closes = self.closes.lock().unwrap_or_else(|error| error.into_inner());
        closes.iter().rev().find(|(closed, _)| *closed <= moment).map(|(_, ledger)| *ledger)
    }

    /// Notes that an endpoint was behind for a while.
    pub(crate) fn lagged(&self) {
        self.lagged.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_lagged(&self) -> bool {
        self.lagged.load(Ordering::Relaxed)
    }

    /// The value of an entry now.
    pub(crate) fn value(&self, kind: Kind, chain_key: &str) -> anyhow::Result<Option<ScVal>> {
        let key = kind.ledger_key(&self.contracts, chain_key)?;
        self.devnet.entry(&key).map(|entry| crate::entry::value(&entry.data)).transpose()
    }

    /// How many loans there are.
    pub(crate) fn loans(&self) -> u64 {
        let Ok(key) = trueup_devnet::scval::instance_key(&self.contracts.lending) else { return 0 };
        let Some(instance) = self.devnet.entry(&key).and_then(|entry| crate::entry::value(&entry.data).ok()) else { return 0 };
        let ScVal::ContractInstance(instance) = instance else { return 0 };
        let entries = instance.storage.iter().flat_map(|storage| storage.0.iter());
        entries
            .filter_map(|entry| match (&entry.key, &entry.val) {
                (ScVal::Symbol(name), ScVal::U64(count)) if name.0.as_slice() == b"LOANCNT" => Some(*count),
                _ => None,
            })
            .next()
            .unwrap_or(0)
    }

    /// The ledger key of some loan as faults name it, in base64.
    pub(crate) fn loan_key_text(&self, pick: u32) -> Option<String> {
        let id = u64::from(pick).checked_rem(self.loans())? + 1;
        let key = Kind::Loan.ledger_key(&self.contracts, &id.to_string()).ok()?;
        Some(STANDARD.encode(key.to_xdr(Limits::none()).ok()?))
    }
}
