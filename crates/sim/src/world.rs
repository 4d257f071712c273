//! The chain: contracts, users and endpoints.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stellar_xdr::{LedgerEntryData, Limits, ReadXdr, ScMap, ScVal, WriteXdr};
use trueup_devnet::{Built, Call, Deployed, Devnet, Faults, Invoked, Keypair, Served, account_key, scval};

use crate::kind::Kind;

/// Accounts that use the contracts.
const USERS: u32 = 12;
/// Accounts that ask for loans under made-up keys.
const REQUESTERS: u32 = 5;
/// How long before the simulation the chain begins, in chain seconds: more than all its ledgers take.
const CHAIN_AGE_SECS: u64 = 12 * 3600;

/// The chain of one seed.
pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) contracts: Deployed,
    /// Users, and behind them those who ask for loans.
    pub(crate) users: Vec<Keypair>,
    pub(crate) endpoints: Vec<Served>,
    /// How many endpoints must show the same before a repair.
    pub(crate) confirm: usize,
    pruned: AtomicBool,
    lagged: AtomicBool,
    /// When which ledger closed, by this machine's clock, which is the database server's too.
    closes: Mutex<Vec<(SystemTime, u32)>>,
}

// === impl World ===

impl World {
    /// A chain with its contracts, behind so many endpoints.
    pub(crate) async fn create(seed: u64, endpoints: usize, confirm: usize) -> anyhow::Result<Self> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
        let config = trueup_devnet::Config { seed, start_close_time: now - CHAIN_AGE_SECS, ..trueup_devnet::Config::default() };
        let devnet = Devnet::new(config);
        let chain = devnet.clone();
        let made = tokio::task::spawn_blocking(move || anyhow::Ok((chain.deploy_all()?, chain.fund_accounts(USERS + REQUESTERS)?)));
        let (contracts, users) = made.await??;
        let mut served = Vec::new();
        for _ in 0..endpoints {
            served.push(devnet.serve_with("127.0.0.1:0", Faults::default()).await?);
        }
        Ok(Self {
            devnet,
            contracts,
            users,
            endpoints: served,
            confirm,
            pruned: AtomicBool::new(false),
            lagged: AtomicBool::new(false),
            closes: Mutex::default(),
        })
    }

    pub(crate) fn user(&self, pick: u32) -> &Keypair {
        &self.users[pick as usize % USERS as usize]
    }

    pub(crate) fn requester(&self, pick: u32) -> &Keypair {
        &self.users[USERS as usize + pick as usize % REQUESTERS as usize]
    }

    pub(crate) fn call(&self, source: &Keypair, contract: &str, function: &str, args: Vec<ScVal>) -> Call {
        Call { source: source.clone(), contract: contract.to_owned(), function: function.to_owned(), args }
    }

    /// Makes a call, in a ledger of its own.
    pub(crate) async fn invoke(&self, call: &Call) -> anyhow::Result<Invoked> {
        let invoked = self.devnet.invoke_many(vec![call.clone()], 1).await?.pop().context("a call has an end")?;
        self.closed(invoked.ledger);
        Ok(invoked)
    }

    /// Sends what was signed, into a ledger of its own.
    pub(crate) async fn submit(&self, built: &Built) -> anyhow::Result<Invoked> {
        let (devnet, built) = (self.devnet.clone(), built.clone());
        let invoked = tokio::task::spawn_blocking(move || devnet.submit(&built)).await??;
        self.closed(invoked.ledger);
        Ok(invoked)
    }

    fn closed(&self, ledger: u32) {
        self.closes.lock().unwrap_or_else(|error| error.into_inner()).push((SystemTime::now(), ledger));
    }

    /// The sequence number of the last transaction of an account.
    pub(crate) fn sequence(&self, address: &str) -> anyhow::Result<Option<i64>> {
        let Some(user) = self.users.iter().find(|user| user.address() == address) else { return Ok(None) };
        let Some(entry) = self.devnet.entry(&account_key(user)) else { return Ok(None) };
        match LedgerEntryData::from_xdr(&entry.data[..], Limits::none())? {
            LedgerEntryData::Account(account) => Ok(Some(account.seq_num.0)),
            other => anyhow::bail!("{} is no account", other.name()),
        }
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

    /// Notes that an endpoint lacked history for a while.
    pub(crate) fn pruned(&self) {
        self.pruned.store(true, Ordering::Relaxed);
    }

    pub(crate) fn was_pruned(&self) -> bool {
        self.pruned.load(Ordering::Relaxed)
    }

    /// What an endpoint says that lies about an entry: its key, and something else than it holds, or that there is none.
    pub(crate) fn lie(&self, kind: Kind, pick: u32) -> Option<(String, Option<String>)> {
        let (chain_key, field) = match kind {
            Kind::Position => (self.user(pick).address(), "shares"),
            Kind::Score => (self.user(pick).address(), "score"),
            _ => ((u64::from(pick).checked_rem(self.loans())? + 1).to_string(), "total_amount"),
        };
        let key = kind.ledger_key(&self.contracts, &chain_key).ok()?;
        let stored = self.devnet.entry(&key)?;
        let name = STANDARD.encode(key.to_xdr(Limits::none()).ok()?);
        if pick.is_multiple_of(5) {
            return Some((name, None));
        }
        let LedgerEntryData::ContractData(mut data) = LedgerEntryData::from_xdr(&stored.data[..], Limits::none()).ok()? else {
            return None;
        };
        let ScVal::Map(Some(ScMap(fields))) = data.val else { return None };
        let mut fields = fields.to_vec();
        let wanted = scval::symbol(field).ok()?;
        let entry = fields.iter_mut().find(|entry| entry.key == wanted)?;
        entry.val = match &entry.val {
            ScVal::U32(number) => ScVal::U32(number.wrapping_add(1 + pick % 50)),
            amount => scval::i128(scval::as_i128(amount)? + 1 + i128::from(pick)),
        };
        data.val = ScVal::Map(Some(ScMap(fields.try_into().ok()?)));
        let lie = LedgerEntryData::ContractData(data).to_xdr(Limits::none()).ok()?;
        Some((name, Some(STANDARD.encode(lie))))
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
