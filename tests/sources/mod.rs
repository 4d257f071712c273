//! Sources beside a contract's storage and transactions: balances, accounts and views, each with all that may be wrong
//! about a row, on real contracts and a real ledger.

mod accounts;
mod balances;
mod checks;
mod tokens;
mod views;

use crate::program::{Ended, Program};
use crate::support::{Deployment, Finished};
use stellar_xdr::{MuxedEd25519Account, ScAddress, Uint256};
use trueup_devnet::Keypair;

/// An empty lending book with those tables beside it, and that spec alone: `ISSUER`, `USDC`, `LENDING` and `POOL` in it
/// are the addresses of this chain.
pub async fn deployment(tables: &str, spec: &str) -> Deployment {
    let deployment = Deployment::with_loans(0).await;
    deployment.sql(tables).await;
    let spec = addressed(&deployment, spec);
    std::fs::write(deployment.specs.path().join("loan.toml"), spec).expect("the spec");
    deployment
}

/// A text with this chain's addresses in it.
pub fn addressed(deployment: &Deployment, text: &str) -> String {
    let known = &deployment.contracts;
    let addresses = [("ISSUER", &known.usdc_issuer), ("USDC_CONTRACT", &known.usdc), ("LENDING", &known.lending), ("POOL", &known.pool)];
    addresses.iter().fold(text.to_owned(), |text, (name, address)| text.replace(name, address))
}

/// `trueup check`, as a person runs it.
pub async fn check(deployment: &Deployment) -> Ended {
    Program::start(&deployment.config, &["check"]).end().await
}

/// A sub-account of an account (`M…`).
pub fn muxed(account: &Keypair, id: u64) -> String {
    ScAddress::MuxedAccount(MuxedEd25519Account { id, ed25519: Uint256(account.public()) }).to_string()
}

/// A sub-account of a contract.
pub fn muxed_contract(contract: &str, id: u64) -> String {
    let ScAddress::Contract(contract_id) = contract.parse().expect("an address") else { panic!("not a contract") };
    ScAddress::MuxedContract(stellar_xdr::MuxedContract { id, contract_id }).to_string()
}

/// How many entities were not judged, for which reason.
pub fn not_judged(finished: &Finished, kind: &str) -> Vec<String> {
    finished.document.kinds[kind].not_judged.iter().map(|(reason, count)| format!("{reason} {count}")).collect()
}
