//! A lending book of any size. One loan is made by the contract, the others are written past it in its image: what the
//! contract would have taken hours for.

use stellar_xdr::{LedgerEntryData, Limits, ReadXdr, ScVal};
use trueup_devnet::scval;

use crate::support::Deployment;

/// How many entries one ledger of the devnet takes.
const ENTRIES_PER_LEDGER: u32 = 50_000;

/// A deployment with that many loans on chain and in the table, all in sync.
pub async fn with_loans(loans: u32) -> Deployment {
    let deployment = Deployment::with_loans(1).await;
    let image = loan(&deployment);
    for first in (2..=loans).step_by(usize::try_from(ENTRIES_PER_LEDGER).expect("few")) {
        let last = loans.min(first + ENTRIES_PER_LEDGER - 1);
        deployment.devnet.put_entries((first..=last).map(|number| (renumbered(&image, number), Some(u32::MAX))));
    }
    count(&deployment, loans);
    deployment
        .sql(&format!(
            "INSERT INTO loans (loan_id, wallet, amount, balance, status)
                 SELECT n::text, wallet, amount, balance, status FROM generate_series(2, {loans}) AS n, loans WHERE id = 1;
             ANALYZE loans"
        ))
        .await;
    deployment
}

fn key(number: u32) -> ScVal {
    let name = scval::symbol("Loan").expect("a symbol");
    scval::vec(vec![name, ScVal::U32(number % 32), ScVal::U64(u64::from(number))]).expect("a key")
}

/// The entry of the loan that the contract made.
fn loan(deployment: &Deployment) -> LedgerEntryData {
    let key = scval::data_key(&deployment.contracts.lending, key(1)).expect("a ledger key");
    let entry = deployment.devnet.entry(&key).expect("the loan");
    LedgerEntryData::from_xdr(&*entry.data, Limits::none()).expect("an entry")
}

fn renumbered(image: &LedgerEntryData, number: u32) -> LedgerEntryData {
    let mut entry = image.clone();
    let LedgerEntryData::ContractData(data) = &mut entry else { panic!("contract data") };
    data.key = key(number);
    entry
}

/// Has the contract's instance say how many loans there are.
fn count(deployment: &Deployment, loans: u32) {
    let key = scval::instance_key(&deployment.contracts.lending).expect("a ledger key");
    let stored = deployment.devnet.entry(&key).expect("the instance");
    let mut entry = LedgerEntryData::from_xdr(&*stored.data, Limits::none()).expect("an entry");
    let LedgerEntryData::ContractData(data) = &mut entry else { panic!("contract data") };
    let ScVal::ContractInstance(instance) = &mut data.val else { panic!("an instance") };
    let mut storage = instance.storage.clone().expect("a storage");
    let name = scval::symbol("LOANCNT").expect("a symbol");
    let mut entries = storage.0.to_vec();
    let counter = entries.iter_mut().find(|it| it.key == name).expect("the counter");
    counter.val = match counter.val {
        ScVal::U64(_) => ScVal::U64(u64::from(loans)),
        ScVal::U32(_) => ScVal::U32(loans),
        ref other => panic!("a count: {other:?}"),
    };
    storage.0 = entries.try_into().expect("as many as before");
    instance.storage = Some(storage);
    deployment.devnet.put_entry(&entry, stored.live_until);
}
