//! The loans of every measurement that reads a chain: the same numbers as ledger entries and as rows.

use anyhow::Context as _;
use sqlx::PgPool;
use stellar_xdr::{
    ContractDataDurability, ContractDataEntry, ExtensionPoint, LedgerEntryData, LedgerKey, Limits, ReadXdr, ScAddress, ScMap, ScMapEntry,
    ScVal,
};
use trueup_devnet::{Config, Devnet, address, scval};

/// One unit of the application in the chain's base units.
pub(crate) const UNIT: u64 = 10_000_000;
/// How many loans fit into a call beside the contract's instance.
pub(crate) const LOANS_PER_CALL: usize = 199;
/// How many calls trueup has in flight unless it is told otherwise; the floor has as many.
pub(crate) const CALLS_IN_FLIGHT: usize = 8;

/// How many accounts borrow.
const BORROWERS: u32 = 100;
/// How many entries are written in one ledger.
const CHUNK: u64 = 10_000;
/// Every so many loans one is paid back.
const PAID_EVERY: u64 = 4;
const FIRST_DUE: u64 = 1_800_000_000;
const INSTALLMENTS: u64 = 3;
const SHARDS: u64 = 32;

/// The application's tables and the spec, as the example ships them.
const APPLICATION: &str = include_str!("../../../specs/lending/application.sql");
pub(crate) const SPEC: &str = include_str!("../../../specs/lending/loan.toml");

const ROWS: &str = "
    INSERT INTO loans (loan_id, user_wallet, amount, released, remaining_balance, status, due_at, completed_at, updated_at)
    SELECT n::text, ($2::text[])[1 + n % cardinality($2)], 1000 + n % 9000, 1000 + n % 9000,
           CASE WHEN n % $3 = 0 THEN 0 ELSE 1000 + n % 9000 - n % 1000 END,
           CASE WHEN n % $3 = 0 THEN 'completed' ELSE 'active' END::loan_status,
           to_timestamp($4 + n), CASE WHEN n % $3 = 0 THEN now() - interval '1 hour' END, now() - interval '1 hour'
    FROM generate_series(1, $1) AS n";

/// The key of a loan's entry.
pub(crate) fn entry_key(contract: &str, id: u64) -> anyhow::Result<LedgerKey> {
    Ok(scval::data_key(contract, data_key(id)?)?)
}

fn data_key(id: u64) -> anyhow::Result<ScVal> {
    let shard = u32::try_from(id % SHARDS)?;
    Ok(scval::vec(vec![scval::symbol("Loan")?, ScVal::U32(shard), ScVal::U64(id)])?)
}

/// What a map holds under a symbol.
pub(crate) fn field<'a>(map: &'a ScVal, name: &str) -> Option<&'a ScVal> {
    let ScVal::Map(Some(map)) = map else { return None };
    map.iter().find(|entry| matches!(&entry.key, ScVal::Symbol(key) if key.as_slice() == name.as_bytes())).map(|entry| &entry.val)
}

/// Puts the lending book with that many loans on a chain; returns the contract.
pub(crate) fn put(devnet: &Devnet, count: u64) -> anyhow::Result<String> {
    let contract = devnet.deploy_lending()?;
    let borrowers = borrowers(devnet);
    for first in (1..=count).step_by(CHUNK as usize) {
        let last = (first + CHUNK - 1).min(count);
        let entries = (first..=last).map(|id| loan(&contract, &borrowers, id)).collect::<anyhow::Result<Vec<_>>>()?;
        devnet.put_entries(entries.into_iter().map(|entry| (entry, Some(u32::MAX))));
    }
    set_count(devnet, &contract, count)?;
    Ok(contract)
}

/// Creates the application's tables with that many loans, all as the chain has them.
pub(crate) async fn fill(pool: &PgPool, count: u64) -> anyhow::Result<()> {
    sqlx::raw_sql(APPLICATION).execute(pool).await.context("the example's tables")?;
    trueup_schema::migrate(pool).await?;
    sqlx::query(ROWS)
        .bind(i64::try_from(count)?)
        .bind(borrowers(&Devnet::new(Config::default())))
        .bind(i64::try_from(PAID_EVERY)?)
        .bind(i64::try_from(FIRST_DUE)?)
        .execute(pool)
        .await
        .context("the loans' rows")?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(pool).await?;
    Ok(())
}

fn borrowers(devnet: &Devnet) -> Vec<String> {
    (0..BORROWERS).map(|index| devnet.key(index).address()).collect()
}

fn loan(contract: &str, borrowers: &[String], id: u64) -> anyhow::Result<LedgerEntryData> {
    let whole = 1_000 + id % 9_000;
    let total = i128::from(whole * UNIT);
    let paid = id.is_multiple_of(PAID_EVERY);
    let balance = if paid { 0 } else { i128::from((whole - id % 1_000) * UNIT) };
    let borrower = borrowers.get(usize::try_from(id % u64::from(BORROWERS))?).context("a borrower")?;
    let schedule = (1..=INSTALLMENTS)
        .map(|number| {
            map(vec![
                ("amount", scval::i128(total / i128::from(INSTALLMENTS))),
                ("due_at", ScVal::U64(FIRST_DUE + number)),
                ("paid", ScVal::Bool(paid)),
            ])
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let value = map(vec![
        ("borrower", scval::address(borrower)?),
        ("created_at", ScVal::U64(FIRST_DUE - 1)),
        ("due_at", ScVal::U64(FIRST_DUE + id)),
        ("rate_bps", ScVal::U32(500)),
        ("released", scval::i128(total)),
        ("remaining_balance", scval::i128(balance)),
        ("schedule", scval::vec(schedule)?),
        ("status", scval::vec(vec![scval::symbol(if paid { "Paid" } else { "Active" })?])?),
        ("total_amount", scval::i128(total)),
    ])?;
    Ok(LedgerEntryData::ContractData(ContractDataEntry {
        ext: ExtensionPoint::V0,
        contract: ScAddress::Contract(address::parse_contract(contract)?),
        key: data_key(id)?,
        durability: ContractDataDurability::Persistent,
        val: value,
    }))
}

/// A map with symbols as keys, which the ledger wants in order.
fn map(fields: Vec<(&str, ScVal)>) -> anyhow::Result<ScVal> {
    let entries = fields.into_iter().map(|(name, val)| Ok(ScMapEntry { key: scval::symbol(name)?, val }));
    Ok(ScVal::Map(Some(ScMap(entries.collect::<anyhow::Result<Vec<_>>>()?.try_into()?))))
}

/// The contract counts its loans in its instance.
fn set_count(devnet: &Devnet, contract: &str, count: u64) -> anyhow::Result<()> {
    let stored = devnet.entry(&scval::instance_key(contract)?).context("the contract's instance")?;
    let mut data = LedgerEntryData::from_xdr(&stored.data, Limits::none())?;
    let LedgerEntryData::ContractData(entry) = &mut data else { anyhow::bail!("the instance is no contract's data") };
    let ScVal::ContractInstance(instance) = &mut entry.val else { anyhow::bail!("the instance is none") };
    let counter = scval::symbol("LOANCNT")?;
    let mut storage = instance.storage.clone().unwrap_or(ScMap(Vec::new().try_into()?)).to_vec();
    let held = storage.iter_mut().find(|held| held.key == counter).context("the contract's counter")?;
    held.val = ScVal::U64(count);
    instance.storage = Some(ScMap(storage.try_into()?));
    devnet.put_entry(&data, stored.live_until);
    Ok(())
}
