//! The chain's side of the scenario: contracts are called as an application's users would call them.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use stellar_xdr::ScVal;
use trueup_devnet::{BuildOptions, Call, Deployed, Devnet, Invoked, Keypair, Status, scval};

pub(super) const LOANS: u32 = 5_000;
pub(super) const POSITIONS: u32 = 3_000;
pub(super) const REPUTATIONS: u32 = 2_000;
pub(super) const TRANSACTIONS: usize = 500;
/// Transactions that the application believes to be under way, and that are.
pub(super) const IN_FLIGHT: usize = 20;
/// Transactions that fail on chain.
const FAILING: usize = 60;
/// How many accounts borrow.
const BORROWERS: u32 = 1_000;
const CALLS_PER_LEDGER: usize = 200;
/// More than all ledgers of the scenario take.
const CHAIN_AGE_SECS: u64 = 6 * 3600;
/// One unit of the application in the chain's base units.
pub(super) const UNIT: i128 = 10_000_000;

/// What the scenario has put on chain.
pub(super) struct World {
    deployed: Deployed,
    pub(super) accounts: Vec<Keypair>,
    pub(super) succeeded: Vec<Invoked>,
    pub(super) failed: Vec<Invoked>,
    /// Signed and never submitted.
    pub(super) in_flight: Vec<String>,
    pub(super) transactions_made: usize,
}

impl World {
    /// The variables of the example's specs.
    pub(super) fn contracts(&self) -> [(&'static str, &str); 3] {
        [
            ("LENDING_CONTRACT", &self.deployed.lending),
            ("POOL_CONTRACT", &self.deployed.pool),
            ("REPUTATION_CONTRACT", &self.deployed.reputation),
        ]
    }

    pub(super) fn lending(&self) -> &str {
        &self.deployed.lending
    }

    pub(super) fn pool(&self) -> &str {
        &self.deployed.pool
    }

    pub(super) fn reputation(&self) -> &str {
        &self.deployed.reputation
    }
}

/// A chain whose first ledger closed some hours ago, so that all of its transactions are recent.
pub(super) fn config() -> anyhow::Result<trueup_devnet::Config> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(trueup_devnet::Config { start_close_time: now - CHAIN_AGE_SECS, ..trueup_devnet::Config::default() })
}

/// Deploys the contracts and makes some fifteen thousand calls.
pub(super) async fn build(devnet: &Devnet, seed: u64) -> anyhow::Result<World> {
    let chain = devnet.clone();
    let world = tokio::task::spawn_blocking(move || -> anyhow::Result<World> {
        let deployed = chain.deploy_all()?;
        let accounts = chain.fund_accounts(POSITIONS)?;
        let mut scenario = Scenario { random: ChaCha8Rng::seed_from_u64(seed), chain: &chain, deployed: &deployed, accounts: &accounts };
        let mut invoked = Vec::new();
        // One after the other: what is paid out is read from the loans that were made.
        for act in [Scenario::loans, Scenario::movements, Scenario::positions, Scenario::boosts, Scenario::reputations, Scenario::failures]
        {
            invoked.extend(chain.invoke_many_blocking(act(&mut scenario)?, CALLS_PER_LEDGER)?);
        }
        let transactions_made = invoked.len();
        let in_flight = scenario.in_flight()?;
        let (succeeded, failed): (Vec<Invoked>, Vec<Invoked>) = invoked.into_iter().partition(|call| call.status == Status::Success);
        Ok(World { deployed: deployed.clone(), accounts, succeeded, failed, in_flight, transactions_made })
    });
    world.await.context("the scenario panicked")?
}

struct Scenario<'a> {
    random: ChaCha8Rng,
    chain: &'a Devnet,
    deployed: &'a Deployed,
    accounts: &'a [Keypair],
}

impl Scenario<'_> {
    fn borrower(&self, loan: u32) -> Keypair {
        self.accounts[(loan % BORROWERS) as usize].clone()
    }

    fn amount(&mut self) -> i128 {
        self.random.random_range(100 * UNIT..20_000 * UNIT)
    }

    fn call(&self, source: Keypair, contract: &str, function: &str, args: Vec<ScVal>) -> Call {
        Call { source, contract: contract.to_owned(), function: function.to_owned(), args }
    }

    fn loans(&mut self) -> anyhow::Result<Vec<Call>> {
        (1..=LOANS)
            .map(|loan| {
                let borrower = self.borrower(loan);
                let args =
                    vec![scval::address(&borrower.address())?, scval::i128(self.amount()), ScVal::U32(self.random.random_range(1..=6))];
                Ok(self.call(borrower, &self.deployed.lending, "create", args))
            })
            .collect()
    }

    /// Two of three loans are paid out; half of those pay something back, some all of it.
    fn movements(&mut self) -> anyhow::Result<Vec<Call>> {
        let mut calls = Vec::new();
        for loan in (1..=LOANS).filter(|loan| loan % 3 != 0) {
            let total = self.total(loan)?;
            let borrower = self.borrower(loan);
            let id = ScVal::U64(u64::from(loan));
            let released = if loan % 5 == 0 { total / 2 } else { total };
            calls.push(self.call(borrower.clone(), &self.deployed.lending, "release", vec![id.clone(), scval::i128(released)]));
            if loan % 4 == 0 {
                let repaid = if loan % 8 == 0 { total } else { self.random.random_range(1..total) };
                calls.push(self.call(borrower, &self.deployed.lending, "repay", vec![id.clone(), scval::i128(repaid)]));
            } else if loan % 50 == 1 {
                calls.push(self.call(self.chain.key(0), &self.deployed.lending, "default", vec![id]));
            }
        }
        Ok(calls)
    }

    fn total(&self, loan: u32) -> anyhow::Result<i128> {
        let entry = super::application::loan(self.chain, &self.deployed.lending, loan)?;
        super::application::amount(&entry, "total_amount")
    }

    fn positions(&mut self) -> anyhow::Result<Vec<Call>> {
        (0..POSITIONS)
            .map(|index| {
                let provider = self.accounts[index as usize].clone();
                let args = vec![scval::address(&provider.address())?, scval::i128(self.amount())];
                Ok(self.call(provider, &self.deployed.pool, "deposit", args))
            })
            .collect()
    }

    fn boosts(&mut self) -> anyhow::Result<Vec<Call>> {
        (0..POSITIONS)
            .filter(|index| index % 5 == 0)
            .map(|index| {
                let provider = self.accounts[index as usize].clone();
                let args = vec![scval::address(&provider.address())?, ScVal::U32(self.random.random_range(10_500..20_000))];
                Ok(self.call(provider, &self.deployed.pool, "boost", args))
            })
            .collect()
    }

    fn reputations(&mut self) -> anyhow::Result<Vec<Call>> {
        let admin = self.chain.key(0);
        (0..REPUTATIONS)
            .map(|index| {
                let args = vec![scval::address(&self.accounts[index as usize].address())?, ScVal::Bool(self.random.random_ratio(4, 5))];
                Ok(self.call(admin.clone(), &self.deployed.reputation, "record", args))
            })
            .collect()
    }

    /// More is paid back than is owed: the contract refuses, and the transaction is FAILED.
    fn failures(&mut self) -> anyhow::Result<Vec<Call>> {
        (1..=LOANS)
            .filter(|loan| loan % 3 == 1 && loan % 4 != 0 && loan % 50 != 1)
            .take(FAILING)
            .map(|loan| {
                let args = vec![ScVal::U64(u64::from(loan)), scval::i128(1_000_000 * UNIT)];
                Ok(self.call(self.borrower(loan), &self.deployed.lending, "repay", args))
            })
            .collect()
    }

    fn in_flight(&mut self) -> anyhow::Result<Vec<String>> {
        (0..IN_FLIGHT)
            .map(|index| {
                let provider = self.accounts[index].clone();
                let args = vec![scval::address(&provider.address())?, scval::i128(self.amount())];
                let call = self.call(provider, &self.deployed.pool, "deposit", args);
                Ok(self.chain.build(&call, BuildOptions::default())?.hash)
            })
            .collect()
    }
}
