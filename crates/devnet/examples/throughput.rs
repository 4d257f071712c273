//! Measures how many transactions a second the devnet executes:
//! `cargo run --release -p trueup-devnet --example throughput [COUNT] [PER_LEDGER]`.

use std::time::Instant;
use stellar_xdr::ScVal;
use trueup_devnet::{Call, Config, Devnet, Status, scval};

const DEFAULT_COUNT: usize = 10_000;
const DEFAULT_PER_LEDGER: usize = 100;
const ACCOUNTS: u32 = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let count: usize = args.next().map_or(Ok(DEFAULT_COUNT), |a| a.parse())?;
    let per_ledger: usize = args.next().map_or(Ok(DEFAULT_PER_LEDGER), |a| a.parse())?;
    let devnet = Devnet::new(Config::default());
    let accounts = devnet.fund_accounts(ACCOUNTS)?;
    let lending = devnet.deploy_lending()?;
    let calls = (0..count)
        .map(|n| {
            let source = accounts[n % accounts.len()].clone();
            Ok(Call {
                contract: lending.clone(),
                function: "create".to_owned(),
                args: vec![scval::address(&source.address())?, scval::i128(1_000_000 + n as i128), ScVal::U32(3)],
                source,
            })
        })
        .collect::<Result<Vec<_>, trueup_devnet::Error>>()?;
    let start = Instant::now();
    let done = devnet.invoke_many_blocking(calls, per_ledger)?;
    let took = start.elapsed();
    let succeeded = done.iter().filter(|d| d.status == Status::Success).count();
    let per_second = count as u128 * 1_000 / took.as_millis().max(1);
    println!("{succeeded} of {count} transactions in {took:.2?}: {per_second} tx/s");
    if let Some(failed) = done.iter().find(|d| d.status == Status::Failed) {
        println!("first failure: {failed:?}");
    }
    Ok(())
}
