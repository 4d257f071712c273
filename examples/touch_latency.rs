//! How long from an event of the chain to the repaired row, while a sweep runs.
//!
//! `trueup all` runs as a process of its own, on a throwaway Postgres and a devnet that this program serves. Run it
//! under the sandbox:
//!
//! ```text
//! cargo build --release --bins --examples
//! target/release/trueup-sandbox target/release/examples/touch_latency [ROWS] [TOUCHES_PER_SECOND] [SECONDS]
//! ```

use std::collections::HashMap;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use stellar_xdr::ScVal;
use trueup_devnet::{Call, Config, Devnet, scval};
use trueup_sandbox::TestDatabase;

/// Between two ledgers; what is released in the meantime is in the next one.
const LEDGER: Duration = Duration::from_secs(1);
/// How often the rows are looked at: the error of the measurement.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the last rows are waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many accounts borrow.
const BORROWERS: u32 = 50;
const UNIT: i128 = 10_000_000;
/// How many contracts' events are not stored up to the chain's tip; 1 if none were begun.
const BEHIND: &str =
    "SELECT CASE WHEN count(*) = 0 THEN 1 ELSE count(*) FILTER (WHERE next_ledger <= tip_ledger) END FROM trueup.event_cursors";
const SWEEPS: &str = "SELECT count(*) FROM trueup.runs WHERE NOT touches AND phase = 'done'";

/// Where the time goes, in milliseconds.
const STAGES: &str = "
    SELECT stage, round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY secs))::bigint, round(1000 * percentile_cont(0.99) WITHIN GROUP (ORDER BY secs))::bigint
    FROM (
        SELECT '1 touch to run' AS stage, extract(epoch FROM r.opened_at - t.touched_at) AS secs
        FROM trueup.touches AS t JOIN trueup.runs AS r ON r.id = t.run
        UNION ALL
        SELECT CASE j.task WHEN 'detect' THEN '2 first look' WHEN 'match' THEN '3 match' WHEN 'confirm' THEN '4 second look and repair' ELSE '5 report' END,
               extract(epoch FROM j.ended_at - j.created_at)
        FROM trueup.all_jobs AS j JOIN trueup.runs AS r ON r.id = j.group_id WHERE r.touches
    ) AS it GROUP BY stage ORDER BY stage";

const SPEC: &str = r#"
kind  = "loan"
table = "loans"
key   = "loan_id"

[chain]
source    = "soroban"
contract  = "${LENDING}"
entry     = [{ symbol = "Loan" }, { u32 = "loan_id::bigint % 32" }, { u64 = "loan_id" }]
enumerate = { counter = { instance = "LOANCNT", first = 1, holds = "last" } }

[values]
status  = { path = "status", type = "text" }
balance = { path = "remaining_balance", type = "numeric", decimals = 7 }

[[field]]
column = "status"
value  = "status"
map    = { Pending = "pending", Active = "active", Paid = "paid", Defaulted = "defaulted" }
class  = "stale_status"

[[field]]
column = "balance"
value  = "balance"

[[touch]]
topics = ["LOANRLSD"]
key    = "data[0]"

[repair]
stale_status = "update"
stale_value  = "update"

[guard]
max_share = "100%"
"#;

const TRUEUP: &str = r#"
[touch]
mode = "repair"

[[schedule]]
name = "sweep"
cron = "* * * * * *"
mode = "detect"

[worker]
events_ms = 500
"#;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|it| it.parse::<u32>());
    let mut number = |default: u32| numbers.next().transpose().map(|it| it.unwrap_or(default));
    let (rows, per_second, seconds) = (number(20_000)?, number(50)?, number(30)?);
    ensure!(per_second * seconds <= rows, "each touch takes a loan of its own: more rows, or fewer touches");

    let devnet = Devnet::new(Config::default());
    let contracts = devnet.deploy_all()?;
    let rpc = devnet.serve("127.0.0.1:0").await?;
    let borrowers = devnet.fund_accounts(BORROWERS)?;
    let borrower = |loan: u32| borrowers[(loan % BORROWERS) as usize].clone();
    let call = |loan: u32, function: &str, args: Vec<ScVal>| Call {
        source: borrower(loan),
        contract: contracts.lending.clone(),
        function: function.to_owned(),
        args,
    };
    let mut created = Vec::with_capacity(rows as usize);
    for loan in 1..=rows {
        created.push(call(loan, "create", vec![scval::address(&borrower(loan).address())?, scval::i128(UNIT), ScVal::U32(1)]));
    }
    devnet.invoke_many(created, 200).await?;

    let database = TestDatabase::create().await;
    trueup_schema::migrate(database.pool()).await?;
    sqlx::raw_sql(
        "CREATE TABLE loans (loan_id bigint PRIMARY KEY, balance numeric NOT NULL, status text NOT NULL);
         CREATE INDEX loans_active ON loans (loan_id) WHERE status = 'active'",
    )
    .execute(database.pool())
    .await?;
    sqlx::query("INSERT INTO loans SELECT n, 1, 'pending' FROM generate_series(1, $1::bigint) AS n")
        .bind(i64::from(rows))
        .execute(database.pool())
        .await?;
    let folder = tempfile::tempdir()?;
    let (spec, config) = (folder.path().join("loan.toml"), folder.path().join("trueup.toml"));
    std::fs::write(&spec, SPEC.replace("${LENDING}", &contracts.lending))?;
    std::fs::write(&config, TRUEUP)?;
    let program = std::env::current_exe()?.parent().and_then(|it| it.parent()).context("a folder")?.join("trueup");
    let mut all = tokio::process::Command::new(program)
        .arg("all")
        .env("TRUEUP_CONFIG", &config)
        .env("DATABASE_URL", database.url())
        .env("TRUEUP_RPC_URL", &rpc.url)
        .env("TRUEUP_NETWORK_PASSPHRASE", &devnet.config().network_passphrase)
        .env("TRUEUP_SPECS", &spec)
        .env("RUST_LOG", "warn")
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    eprintln!("{rows} rows and their loans are there; waiting for the first sweep, and for the events of all that was made");
    let database = &database;
    let one = move |sql: &'static str| async move { sqlx::query_scalar::<_, i64>(sql).fetch_one(database.pool()).await };
    while one(SWEEPS).await? < 1 || one(BEHIND).await? > 0 {
        tokio::time::sleep(LOOK_EVERY).await;
        ensure!(all.try_wait()?.is_none(), "trueup has ended");
    }

    let sweeps_before = one(SWEEPS).await?;
    let mut closed: HashMap<i64, Instant> = HashMap::new();
    let mut took: Vec<Duration> = Vec::new();
    let began = Instant::now();
    let mut next_loan = 1;
    let mut next_ledger = began;
    loop {
        if next_loan <= per_second * seconds && Instant::now() >= next_ledger {
            next_ledger += LEDGER;
            let loans = next_loan..next_loan + per_second;
            let calls = loans.clone().map(|loan| call(loan, "release", vec![ScVal::U64(u64::from(loan)), scval::i128(1)])).collect();
            devnet.invoke_many(calls, per_second as usize).await?;
            let now = Instant::now();
            closed.extend(loans.map(|loan| (i64::from(loan), now)));
            next_loan += per_second;
        }
        let active: Vec<i64> = sqlx::query_scalar("SELECT loan_id FROM loans WHERE status = 'active'").fetch_all(database.pool()).await?;
        took.extend(active.iter().filter_map(|loan| closed.remove(loan)).map(|since| since.elapsed()));
        if next_loan > per_second * seconds && closed.is_empty() {
            break;
        }
        ensure!(began.elapsed() < Duration::from_secs(u64::from(seconds)) + PATIENCE, "{} rows were not repaired", closed.len());
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let lasted = began.elapsed();
    took.sort();
    let at = |percent: usize| took[(took.len() * percent / 100).min(took.len() - 1)].as_millis();
    let sweeps = one(SWEEPS).await? - sweeps_before;
    let runs = one("SELECT count(*) FROM trueup.runs WHERE touches").await?;
    println!(
        "rows {rows} · touches {} at {per_second}/s · ledger every {} ms · sweeps finished meanwhile {sweeps} ({:.0} s) · runs of touches {runs}",
        took.len(),
        LEDGER.as_millis(),
        lasted.as_secs_f64()
    );
    println!("from the ledger's close to the repaired row, ms: p50 {} · p90 {} · p99 {} · max {}", at(50), at(90), at(99), at(100));
    for (stage, p50, p99) in sqlx::query_as::<_, (String, i64, i64)>(STAGES).fetch_all(database.pool()).await? {
        println!("  {stage}: p50 {p50} · p99 {p99}");
    }
    Ok(())
}
