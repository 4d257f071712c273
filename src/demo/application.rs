//! The application's side of the scenario: tables that agree with the chain, read from its entries without any of
//! trueup's own decoding.

use anyhow::{Context as _, bail};
use sqlx::PgPool;
use stellar_xdr::{LedgerEntryData, Limits, ReadXdr, ScMap, ScSymbol, ScVal};
use trueup_devnet::{Devnet, Invoked, scval};

use super::chain::{LOANS, POSITIONS, REPUTATIONS, TRANSACTIONS, UNIT, World};

/// Rows were last written well before any run looks at them.
const UPDATED: &str = "now() - interval '1 hour'";

/// Fills the tables.
pub(super) async fn fill(pool: &PgPool, devnet: &Devnet, world: &World) -> anyhow::Result<()> {
    profiles(pool, world).await?;
    loans(pool, devnet, world).await?;
    positions(pool, devnet, world).await?;
    reputations(pool, devnet, world).await?;
    transactions(pool, devnet, world).await?;
    sqlx::raw_sql("ANALYZE").execute(pool).await?;
    Ok(())
}

async fn profiles(pool: &PgPool, world: &World) -> anyhow::Result<()> {
    let wallets: Vec<String> = world.accounts.iter().map(trueup_devnet::Keypair::address).collect();
    sqlx::query("INSERT INTO profiles (wallet) SELECT * FROM unnest($1::text[])").bind(wallets).execute(pool).await?;
    Ok(())
}

async fn loans(pool: &PgPool, devnet: &Devnet, world: &World) -> anyhow::Result<()> {
    let mut rows: [Vec<String>; 7] = Default::default();
    for id in 1..=LOANS {
        let loan = loan(devnet, world.lending(), id)?;
        let status = match label(field(&loan, "status")?)?.as_str() {
            "Pending" => "pending",
            "Active" => "active",
            "Paid" => "completed",
            "Defaulted" => "defaulted",
            other => bail!("a loan is {other}"),
        };
        let values = [
            id.to_string(),
            text(field(&loan, "borrower")?)?,
            units(amount(&loan, "total_amount")?),
            units(amount(&loan, "released")?),
            units(amount(&loan, "remaining_balance")?),
            status.to_owned(),
            text(field(&loan, "due_at")?)?,
        ];
        rows.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }
    let [id, wallet, total, released, balance, status, due] = rows;
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "INSERT INTO loans (loan_id, user_wallet, amount, released, remaining_balance, status, due_at, completed_at, updated_at)
         SELECT id, wallet, total::numeric, released::numeric, balance::numeric, status::loan_status, to_timestamp(due::bigint),
                CASE status WHEN 'completed' THEN {UPDATED} END, {UPDATED}
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
              AS l (id, wallet, total, released, balance, status, due)"
    )))
    .bind(id)
    .bind(wallet)
    .bind(total)
    .bind(released)
    .bind(balance)
    .bind(status)
    .bind(due)
    .execute(pool)
    .await?;
    sqlx::query("INSERT INTO loan_payments (loan_id, amount) SELECT loan_id, amount - remaining_balance FROM loans WHERE amount > remaining_balance")
        .execute(pool)
        .await?;
    Ok(())
}

async fn positions(pool: &PgPool, devnet: &Devnet, world: &World) -> anyhow::Result<()> {
    let mut rows: [Vec<Option<String>>; 7] = Default::default();
    for account in world.accounts.iter().take(POSITIONS as usize) {
        let wallet = account.address();
        let position = entry(devnet, world.pool(), &["Position"], &[scval::address(&wallet)?])?;
        let tier = field(&position, "tier")?;
        let boost = match tier {
            ScVal::Vec(Some(parts)) => parts.get(1).map(text).transpose()?,
            _ => None,
        };
        let lock = field(&position, "lock")?;
        let values = [
            Some(wallet),
            Some(units(amount(&position, "shares")?)),
            Some(units(amount(&position, "deposited")?)),
            Some(units(amount(&position, "rewards")?)),
            Some(label(tier)?.to_lowercase()),
            boost,
            if matches!(lock, ScVal::Void) { None } else { Some(text(lock)?) },
        ];
        rows.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }
    let [wallet, shares, deposited, rewards, tier, boost, lock] = rows;
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "INSERT INTO liquidity_positions (wallet, shares, deposited, rewards, tier, boost_bps, locked_until, updated_at)
         SELECT wallet, shares::numeric, deposited::numeric, rewards::numeric, tier, boost::int, to_timestamp(lock::bigint), {UPDATED}
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
              AS p (wallet, shares, deposited, rewards, tier, boost, lock)"
    )))
    .bind(wallet)
    .bind(shares)
    .bind(deposited)
    .bind(rewards)
    .bind(tier)
    .bind(boost)
    .bind(lock)
    .execute(pool)
    .await?;
    Ok(())
}

async fn reputations(pool: &PgPool, devnet: &Devnet, world: &World) -> anyhow::Result<()> {
    let mut rows: [Vec<String>; 5] = Default::default();
    for account in world.accounts.iter().take(REPUTATIONS as usize) {
        let wallet = account.address();
        let reputation = entry(devnet, world.reputation(), &["Score"], &[scval::address(&wallet)?])?;
        let values = [
            wallet,
            text(field(&reputation, "score")?)?,
            text(field(&reputation, "level")?)?,
            text(field(&reputation, "repaid")?)?,
            text(field(&reputation, "defaulted")?)?,
        ];
        rows.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }
    let [wallet, score, level, repaid, defaulted] = rows;
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "INSERT INTO reputation_cache (wallet, score, level, loans_repaid, loans_defaulted, updated_at)
         SELECT wallet, score::int, level, repaid::int, defaulted::int, {UPDATED}
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS r (wallet, score, level, repaid, defaulted)"
    )))
    .bind(wallet)
    .bind(score)
    .bind(level)
    .bind(repaid)
    .bind(defaulted)
    .execute(pool)
    .await?;
    Ok(())
}

/// Finished transactions as they ended, those in flight as pending, submitted at the chain's own time.
async fn transactions(pool: &PgPool, devnet: &Devnet, world: &World) -> anyhow::Result<()> {
    let finished = TRANSACTIONS - world.in_flight.len() - world.failed.len();
    let now = i64::try_from(devnet.latest().close_time)?;
    let succeeded: Vec<&Invoked> = world.succeeded.iter().rev().take(finished).collect();
    for (status, calls) in [("success", succeeded), ("failed", world.failed.iter().collect())] {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "INSERT INTO transactions (hash, operation, status, ledger, submitted_at, updated_at)
             SELECT hash, 'contract call', $3, ledger, to_timestamp($4), {UPDATED} FROM unnest($1::text[], $2::bigint[]) AS t (hash, ledger)"
        )))
        .bind(calls.iter().map(|call| call.hash.clone()).collect::<Vec<_>>())
        .bind(calls.iter().map(|call| i64::from(call.ledger)).collect::<Vec<_>>())
        .bind(status)
        .bind(now)
        .execute(pool)
        .await?;
    }
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "INSERT INTO transactions (hash, operation, submitted_at, updated_at) SELECT hash, 'contract call', to_timestamp($2), {UPDATED} FROM unnest($1::text[]) AS t (hash)"
    )))
    .bind(&world.in_flight)
    .bind(now)
    .execute(pool)
    .await?;
    Ok(())
}

/// The value of a loan's entry.
pub(super) fn loan(devnet: &Devnet, contract: &str, id: u32) -> anyhow::Result<ScVal> {
    entry(devnet, contract, &["Loan"], &[ScVal::U32(id % 32), ScVal::U64(u64::from(id))])
}

fn entry(devnet: &Devnet, contract: &str, name: &[&str; 1], arguments: &[ScVal]) -> anyhow::Result<ScVal> {
    let key = entry_key(contract, name[0], arguments)?;
    let stored = devnet.entry(&key).context("the scenario has made this entry")?;
    match LedgerEntryData::from_xdr(&stored.data, Limits::none())? {
        LedgerEntryData::ContractData(data) => Ok(data.val),
        other => bail!("{} is no contract data", other.name()),
    }
}

/// The ledger key of an entry under an enum key.
pub(super) fn entry_key(contract: &str, name: &str, arguments: &[ScVal]) -> anyhow::Result<stellar_xdr::LedgerKey> {
    let parts = std::iter::once(scval::symbol(name)?).chain(arguments.iter().cloned()).collect();
    Ok(scval::data_key(contract, scval::vec(parts)?)?)
}

fn field<'a>(value: &'a ScVal, name: &str) -> anyhow::Result<&'a ScVal> {
    let ScVal::Map(Some(ScMap(entries))) = value else { bail!("not a struct") };
    let wanted = ScVal::Symbol(ScSymbol(name.try_into()?));
    entries.iter().find(|entry| entry.key == wanted).map(|entry| &entry.val).with_context(|| format!("no field {name}"))
}

pub(super) fn amount(value: &ScVal, name: &str) -> anyhow::Result<i128> {
    scval::as_i128(field(value, name)?).with_context(|| format!("{name} is no amount"))
}

/// The name of an enum's variant.
fn label(value: &ScVal) -> anyhow::Result<String> {
    match value {
        ScVal::Vec(Some(parts)) => text(parts.first().context("an empty enum")?),
        other => text(other),
    }
}

fn text(value: &ScVal) -> anyhow::Result<String> {
    Ok(match value {
        ScVal::Symbol(symbol) => symbol.to_utf8_string()?,
        ScVal::U32(number) => number.to_string(),
        ScVal::U64(number) => number.to_string(),
        ScVal::Address(address) => address.to_string(),
        other => bail!("{} is not expected here", other.name()),
    })
}

/// Base units as the application writes them: seven decimals.
pub(super) fn units(base: i128) -> String {
    format!("{}.{:07}", base / UNIT, base % UNIT)
}
