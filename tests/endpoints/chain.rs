//! A deployment whose chain has two endpoints, each with faults of its own.

use stellar_xdr::{LedgerEntryData, LedgerKey, Limits, ReadXdr, ScMap, ScVal, WriteXdr};
use trueup_devnet::{Faults, Served, scval};

use crate::support::Deployment;

/// A deployment with a second endpoint. The first is `deployment.rpc`.
pub struct Two {
    pub deployment: Deployment,
    pub second: Served,
}

impl Two {
    pub async fn with_loans(loans: u32) -> Self {
        let mut deployment = Deployment::with_loans(loans).await;
        let second = deployment.devnet.serve_with("127.0.0.1:0", Faults::default()).await.expect("a free port");
        deployment.config.rpc_urls = vec![second.url.clone()];
        Self { deployment, second }
    }

    /// The same, where both must agree before a repair.
    pub async fn that_agree(loans: u32) -> Self {
        let mut two = Self::with_loans(loans).await;
        two.deployment.config.confirm = Some(2);
        two
    }

    /// The name of the first in stamps.
    pub fn first_name(&self) -> String {
        self.deployment.rpc.addr.to_string()
    }

    /// The name of the second.
    pub fn second_name(&self) -> String {
        self.second.addr.to_string()
    }

    /// The status that a row has.
    pub async fn status(&self, loan: u32) -> String {
        self.deployment.value(&format!("SELECT status FROM loans WHERE loan_id = '{loan}'")).await
    }
}

/// Gives a loan another status on chain, in a ledger of its own.
pub fn change_on_chain(deployment: &Deployment, loan: u32, status: &str) {
    let live_until = deployment.devnet.entry(&loan_key(deployment, loan)).expect("the loan").live_until;
    deployment.devnet.put_entry(&with_status(deployment, loan, status), live_until);
}

/// Closes so many ledgers that whoever does not see them is behind.
pub fn pass_ledgers(deployment: &Deployment, count: u32) {
    (0..count).for_each(|_| drop(deployment.devnet.close_ledger()));
}

/// What makes an endpoint show a loan with another status than the chain has.
pub fn lie(deployment: &Deployment, loan: u32, status: &str) -> Faults {
    let key = base64(&loan_key(deployment, loan));
    let entry = base64(&with_status(deployment, loan, status));
    Faults { split_brain: [(key, Some(entry))].into(), ..Faults::default() }
}

fn with_status(deployment: &Deployment, loan: u32, status: &str) -> LedgerEntryData {
    let stored = deployment.devnet.entry(&loan_key(deployment, loan)).expect("the loan");
    let entry = LedgerEntryData::from_xdr(&stored.data, Limits::none()).expect("an entry");
    let LedgerEntryData::ContractData(mut data) = entry else { panic!("a loan is contract data") };
    let ScVal::Map(Some(ScMap(fields))) = data.val else { panic!("a loan is a map") };
    let mut fields = fields.to_vec();
    let field = fields.iter_mut().find(|field| field.key == scval::symbol("status").expect("a symbol")).expect("a status");
    field.val = scval::vec(vec![scval::symbol(status).expect("a symbol")]).expect("a variant");
    data.val = ScVal::Map(Some(ScMap(fields.try_into().expect("as many fields as before"))));
    LedgerEntryData::ContractData(data)
}

/// The key of a loan's entry.
pub fn loan_key(deployment: &Deployment, loan: u32) -> LedgerKey {
    let parts = vec![scval::symbol("Loan").expect("a symbol"), ScVal::U32(loan % 32), ScVal::U64(u64::from(loan))];
    scval::data_key(&deployment.contracts.lending, scval::vec(parts).expect("a key")).expect("a contract")
}

fn base64(value: &impl WriteXdr) -> String {
    value.to_xdr_base64(Limits::none()).expect("XDR")
}
