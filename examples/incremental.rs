//! What an incremental sweep costs beside a full one: `trueup-sandbox cargo run --release --example incremental -- 50000 5`.
//!
//! A lending book of that many loans on the devnet, each with its row. Full and incremental sweeps take turns; before
//! each, one loan in a hundred moves, half of them on chain and half in the table. Printed are the medians and the
//! spread of so many rounds, then what the fingerprints take.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sqlx::{AssertSqlSafe, PgPool};
use stellar_xdr::{LedgerEntryData, LedgerKey, Limits, ReadXdr, ScVal};
use tokio_util::sync::CancellationToken;
use trueup::{Config, Document, Mode, NewRun, Settings, Sweep, Trueup};
use trueup_devnet::{Call, Devnet, Keypair, scval};
use trueup_sandbox::TestDatabase;
use trueup_workers::{enqueue_run, start_run};

const LOANS: u32 = 50_000;
const ROUNDS: usize = 5;
/// One in so many moves before each sweep.
const MOVING: u32 = 100;
const BORROWERS: u32 = 20;
const CALLS_PER_LEDGER: usize = 500;
const UNIT: i128 = 10_000_000;

const TABLE: &str = "CREATE TABLE loans (id bigint PRIMARY KEY, wallet text NOT NULL, amount numeric NOT NULL, \
                     balance numeric NOT NULL, status text NOT NULL, seen_at timestamptz)";

const SPEC: &str = r#"
kind  = "loan"
table = "loans"
key   = "id"

[chain]
source   = "soroban"
contract = "${LENDING}"
entry    = [{ symbol = "Loan" }, { u32 = "id % 32" }, { u64 = "id" }]

[values]
wallet  = { path = "borrower", type = "text" }
status  = { path = "status", type = "text" }
amount  = { path = "total_amount", type = "numeric", decimals = 7 }
balance = { path = "remaining_balance", type = "numeric", decimals = 7 }

[[field]]
column = "status"
value  = "status"
map    = { Pending = "pending", Active = "active", Paid = "paid", Defaulted = "defaulted" }

[[field]]
column = "wallet"
value  = "wallet"

[[field]]
column = "amount"
value  = "amount"

[[field]]
column = "balance"
value  = "balance"
"#;

/// What one sweep cost.
#[derive(Default)]
struct Cost(BTreeMap<&'static str, i64>);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let loans: u32 = arguments.next().map_or(Ok(LOANS), |it| it.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(ROUNDS), |it| it.parse())?;
    let database = TestDatabase::create().await;
    let pool = database.pool();
    sqlx::raw_sql(TABLE).execute(pool).await?;
    trueup_schema::migrate(pool).await?;
    let devnet = Devnet::new(trueup_devnet::Config::default());
    let lending = devnet.deploy_all()?.lending;
    let borrowers = devnet.fund_accounts(BORROWERS)?;
    lend(&devnet, &lending, &borrowers, loans).await?;
    let wallets: Vec<String> = (1..=loans).map(|loan| borrowers[(loan % BORROWERS) as usize].address()).collect();
    sqlx::query("INSERT INTO loans SELECT n, wallet, n, n, 'pending' FROM unnest($1::text[]) WITH ORDINALITY AS l (wallet, n)")
        .bind(wallets)
        .execute(pool)
        .await?;
    sqlx::raw_sql("ANALYZE").execute(pool).await?;

    let served = devnet.serve("127.0.0.1:0").await?;
    let specs = tempfile::tempdir()?;
    std::fs::write(specs.path().join("loan.toml"), SPEC.replace("${LENDING}", &lending))?;
    let config = Config {
        database_url: Some(database.url().to_owned()),
        rpc_url: Some(served.url.clone()),
        network_passphrase: Some(devnet.config().network_passphrase.clone()),
        specs: vec![specs.path().to_owned()],
        ..Config::default()
    };
    let trueup = Trueup::connect_with(&config, Settings::default(), trueup_queue::Settings::default()).await?;
    let stop = CancellationToken::new();
    let worker = tokio::spawn(trueup.clone().worker("bench", stop.clone()));

    // It leaves all fingerprints; those after it find them there.
    let first = sweep(&trueup, pool, Sweep::Full).await?;
    let size: i64 = number(pool, "SELECT pg_total_relation_size('trueup.fingerprints')").await?;
    let kept: i64 = number(pool, "SELECT count(*) FROM trueup.fingerprints").await?;
    let mut costs: BTreeMap<&str, Vec<Cost>> = BTreeMap::new();
    for round in 0..rounds {
        let offset = u32::try_from(round)? * 2;
        for (index, how) in [Sweep::Full, Sweep::Incremental].into_iter().enumerate() {
            move_some(&devnet, pool, &lending, loans, offset + u32::try_from(index)?).await?;
            costs.entry(how.as_str()).or_default().push(sweep(&trueup, pool, how).await?);
        }
    }
    stop.cancel();
    worker.await??;

    println!("{loans} entities, 1 in {MOVING} moves before each sweep, {rounds} rounds; medians (lowest–highest)\n");
    let names: Vec<&str> = first.0.keys().copied().collect();
    println!("| | first full sweep | full | incremental |\n|---|---|---|---|");
    for name in names {
        let of = |how: &str| spread(costs[how].iter().map(|cost| cost.0[name]).collect());
        println!("| {name} | {} | {} | {} |", first.0[name], of("full"), of("incremental"));
    }
    println!("\n{kept} fingerprints take {size} bytes with their index: {} an entity", size / kept.max(1));
    Ok(())
}

async fn lend(devnet: &Devnet, lending: &str, borrowers: &[Keypair], loans: u32) -> anyhow::Result<()> {
    let mut calls = Vec::new();
    for loan in 1..=loans {
        let source = borrowers[(loan % BORROWERS) as usize].clone();
        let args = vec![scval::address(&source.address())?, scval::i128(i128::from(loan) * UNIT), ScVal::U32(1)];
        calls.push(Call { source, contract: lending.to_owned(), function: "create".into(), args });
    }
    devnet.invoke_many(calls, CALLS_PER_LEDGER).await?;
    Ok(())
}

/// Half of them are written again on chain, half in the table, none to another value.
async fn move_some(devnet: &Devnet, pool: &PgPool, lending: &str, loans: u32, offset: u32) -> anyhow::Result<()> {
    let moving: Vec<u32> = (1..=loans).filter(|loan| loan % MOVING == offset % MOVING).collect();
    let (on_chain, in_table) = moving.split_at(moving.len() / 2);
    let mut entries = Vec::new();
    for loan in on_chain {
        let stored = devnet.entry(&loan_key(lending, *loan)?).context("the loan")?;
        entries.push((LedgerEntryData::from_xdr(&stored.data, Limits::none())?, stored.live_until));
    }
    devnet.put_entries(entries);
    let ids: Vec<i64> = in_table.iter().copied().map(i64::from).collect();
    sqlx::query("UPDATE loans SET seen_at = now() WHERE id = ANY ($1)").bind(ids).execute(pool).await?;
    Ok(())
}

fn loan_key(lending: &str, loan: u32) -> anyhow::Result<LedgerKey> {
    let parts = vec![scval::symbol("Loan")?, ScVal::U32(loan % 32), ScVal::U64(u64::from(loan))];
    Ok(scval::data_key(lending, scval::vec(parts)?)?)
}

async fn sweep(trueup: &Trueup, pool: &PgPool, how: Sweep) -> anyhow::Result<Cost> {
    // What an earlier sweep left to the checkpointer is none of this one's pages.
    sqlx::raw_sql("CHECKPOINT").execute(pool).await?;
    let before: String = sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text").fetch_one(pool).await?;
    let images = number(pool, "SELECT wal_fpi FROM pg_stat_wal").await?;
    let began = Instant::now();
    let new = NewRun { origin: "bench".into(), mode: Mode::Detect, sweep: how, ..NewRun::default() };
    let run = start_run(trueup.context(), new).await?;
    enqueue_run(trueup.context(), run).await?;
    let report: Document = loop {
        match trueup.report(run).await? {
            Some(report) => break report,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    let took = began.elapsed();
    let wal = number(pool, &format!("SELECT (pg_current_wal_insert_lsn() - '{before}'::pg_lsn)::bigint")).await?;
    let jobs = number(pool, &format!("SELECT count(*) FROM trueup.all_jobs WHERE group_id = {run}")).await?;
    let loans = &report.kinds["loan"];
    anyhow::ensure!(loans.verdicts.get("in_sync") == Some(&loans.entities), "all is in sync: {:?}", loans.verdicts);
    let used = |name: &str| report.usage.get(name).copied().map_or(Ok(0), i64::try_from);
    Ok(Cost(BTreeMap::from([
        ("1. entities", i64::try_from(loans.entities)?),
        ("2. unmoved", i64::try_from(loans.unmoved)?),
        ("3. jobs", jobs),
        ("4. RPC calls", used("getLedgerEntries")?),
        ("5. SQL statements", used("sql_statements")?),
        ("6. WAL, KB", wal / 1024),
        ("7. full-page images", number(pool, "SELECT wal_fpi FROM pg_stat_wal").await? - images),
        ("8. milliseconds", i64::try_from(took.as_millis())?),
    ])))
}

async fn number(pool: &PgPool, sql: &str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(pool).await?)
}

fn spread(mut values: Vec<i64>) -> String {
    values.sort_unstable();
    match (values.first(), values.get(values.len() / 2), values.last()) {
        (Some(low), Some(median), Some(high)) => format!("{median} ({low}–{high})"),
        _ => "–".to_owned(),
    }
}
