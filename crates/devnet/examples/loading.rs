//! Measures how a large snapshot loads:
//! `cargo run --release -p trueup-devnet --example loading [ENTRIES]`.

use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::time::Instant;
use stellar_xdr::{ContractDataDurability, ContractDataEntry, ExtensionPoint, LedgerEntryData, ScAddress, ScVal};
use trueup_devnet::{Config, Devnet, address, scval};

const DEFAULT_ENTRIES: u64 = 1_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u64 = std::env::args().nth(1).map_or(Ok(DEFAULT_ENTRIES), |a| a.parse())?;
    let path = std::env::temp_dir().join(format!("devnet-loading-{}.jsonl", std::process::id()));
    let file = std::fs::OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&path)?;
    write(&file, count)?;
    (&file).seek(SeekFrom::Start(0))?;
    let devnet = Devnet::new(Config::default());
    let start = Instant::now();
    let loaded = devnet.load(BufReader::new(&file))?;
    println!("{loaded} entries loaded in {:.2?}", start.elapsed());
    // Linux's own account of the peak; elsewhere there is nothing to print.
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        status.lines().filter(|line| line.starts_with("VmHWM")).for_each(|line| println!("{line}"));
    }
    std::fs::remove_file(path)?;
    Ok(())
}

/// A devnet that holds `count` entries, dumped.
fn write(file: &std::fs::File, count: u64) -> Result<(), Box<dyn std::error::Error>> {
    const CHUNK: u64 = 10_000;
    let devnet = Devnet::new(Config::default());
    let contract = devnet.deploy_lending()?;
    for chunk in (0..count).step_by(CHUNK as usize) {
        let entries = (chunk..count.min(chunk + CHUNK)).map(|id| entry(&contract, id)).collect::<Result<Vec<_>, trueup_devnet::Error>>()?;
        devnet.put_entries(entries.into_iter().map(|entry| (entry, Some(u32::MAX))));
    }
    devnet.dump(BufWriter::new(file))?;
    Ok(())
}

fn entry(contract: &str, id: u64) -> Result<LedgerEntryData, trueup_devnet::Error> {
    Ok(LedgerEntryData::ContractData(ContractDataEntry {
        ext: ExtensionPoint::V0,
        contract: ScAddress::Contract(address::parse_contract(contract)?),
        key: scval::vec(vec![scval::symbol("Row")?, ScVal::U64(id)])?,
        durability: ContractDataDurability::Persistent,
        val: scval::vec(vec![scval::i128(i128::from(id)), scval::address(contract)?])?,
    }))
}
