//! A small deployment for whole-program tests: a database of its own, a devnet with a lending book, one spec.

pub mod jobs;
pub mod redis;

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgPool};
use stellar_xdr::{LedgerKey, ScVal};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use trueup::{Config, DatabaseConfig, Document, Mode, NewRun, RunId, Settings, Trueup};
use trueup_database::report::{self, DriftFilter, DriftRow};
use trueup_devnet::{Call, Deployed, Devnet, Served, scval};
use trueup_sandbox::TestDatabase;
use trueup_workers::{enqueue_run, run_status, start_run};

/// One unit of the application in the chain's base units.
const UNIT: i128 = 10_000_000;
/// How many accounts borrow.
const BORROWERS: u32 = 20;
/// No test waits longer for a run.
const RUN_LIMIT: Duration = Duration::from_secs(120);

const TABLE: &str = "CREATE TABLE loans (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    loan_id text NOT NULL UNIQUE,
    wallet text,
    amount numeric NOT NULL,
    balance numeric,
    status text NOT NULL DEFAULT 'pending',
    updated_at timestamptz NOT NULL DEFAULT now() - interval '1 hour'
)";

/// The spec of every test that does not bring its own.
pub const SPEC: &str = r#"
kind    = "loan"
table   = "loans"
key     = "loan_id"
changed = "updated_at"

[chain]
source    = "soroban"
contract  = "${LENDING}"
entry     = [{ symbol = "Loan" }, { u32 = "loan_id::bigint % 32" }, { u64 = "loan_id" }]
enumerate = { counter = { instance = "LOANCNT", first = 1, holds = "last" } }

[values]
wallet  = { path = "borrower", type = "text" }
status  = { path = "status", type = "text" }
amount  = { path = "total_amount", type = "numeric", decimals = 7 }
balance = { path = "remaining_balance", type = "numeric", decimals = 7 }

[[field]]
column = "status"
value  = "status"
map    = { Pending = "pending", Active = "active", Paid = "paid", Defaulted = "defaulted" }
class  = "stale_status"

[[field]]
column = "wallet"
value  = "wallet"

[[field]]
column = "amount"
value  = "amount"

[[field]]
column = "balance"
value  = "balance"

[provisional]
when = "loan_id like 'pending-%'"

[repair]
stale_status = "update"
stale_value  = "update"
missing_row  = "insert"

# Most tests change most rows. Those of the guard bring limits of their own.
[guard]
max_share = "100%"
"#;

/// Everything that trueup needs, with rows and chain in sync.
pub struct Deployment {
    pub database: TestDatabase,
    pub devnet: Devnet,
    pub rpc: Served,
    pub contracts: Deployed,
    pub specs: TempDir,
    pub config: Config,
}

impl Deployment {
    /// A lending book of that many loans, each with its row.
    pub async fn with_loans(loans: u32) -> Self {
        Self::with_spec(loans, SPEC).await
    }

    /// The same, with another spec over the same table.
    pub async fn with_spec(loans: u32, spec: &str) -> Self {
        let database = TestDatabase::create().await;
        sqlx::raw_sql(TABLE).execute(database.pool()).await.expect("the application's table");
        trueup_schema::migrate(database.pool()).await.expect("schema trueup");
        let devnet = Devnet::new(trueup_devnet::Config::default());
        let contracts = devnet.deploy_all().expect("the contracts");
        let rpc = devnet.serve("127.0.0.1:0").await.expect("a free port");
        let specs = tempfile::tempdir().expect("a folder");
        std::fs::write(specs.path().join("loan.toml"), spec.replace("${LENDING}", &contracts.lending)).expect("the spec");
        let config = Config {
            database_url: Some(database.url().to_owned()),
            rpc_url: Some(rpc.url.clone()),
            network_passphrase: Some(devnet.config().network_passphrase.clone()),
            specs: vec![specs.path().to_owned()],
            ..Config::default()
        };
        let config = redis::as_asked(config);
        let deployment = Self { database, devnet, rpc, contracts, specs, config };
        deployment.add_loans(loans).await;
        deployment
    }

    /// The same, where trueup may have but one connection of a sort: what held one while it waits for another would wait
    /// for itself.
    pub fn with_one_connection(mut self) -> Self {
        self.config.database = DatabaseConfig { readers: Some(1), writers: Some(1), ..DatabaseConfig::default() };
        self
    }

    /// Adds loans to chain and table.
    async fn add_loans(&self, loans: u32) {
        let borrowers = self.devnet.fund_accounts(BORROWERS).expect("funded accounts");
        let calls = (1..=loans)
            .map(|loan| {
                let source = borrowers[(loan % BORROWERS) as usize].clone();
                let args =
                    vec![scval::address(&source.address()).expect("an address"), scval::i128(i128::from(loan) * UNIT), ScVal::U32(1)];
                Call { source, contract: self.contracts.lending.clone(), function: "create".into(), args }
            })
            .collect();
        self.devnet.invoke_many(calls, 200).await.expect("the loans are made");
        let wallets: Vec<String> = (1..=loans).map(|loan| borrowers[(loan % BORROWERS) as usize].address()).collect();
        sqlx::query("INSERT INTO loans (loan_id, wallet, amount, balance) SELECT n::text, wallet, n, n FROM unnest($1::text[]) WITH ORDINALITY AS l (wallet, n)")
            .bind(wallets)
            .execute(self.pool())
            .await
            .expect("the rows");
    }

    /// The ledger key of a loan.
    pub fn loan_key(&self, loan: u64) -> LedgerKey {
        let shard = u32::try_from(loan % 32).expect("small");
        let key = scval::vec(vec![scval::symbol("Loan").expect("short"), ScVal::U32(shard), ScVal::U64(loan)]).expect("a key");
        scval::data_key(&self.contracts.lending, key).expect("a contract")
    }

    pub fn pool(&self) -> &PgPool {
        self.database.pool()
    }

    /// Executes SQL as the application would.
    pub async fn sql(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(self.pool()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// One value of the database.
    pub async fn value<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(self.pool()).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Connects with limits that suit a test.
    pub async fn trueup(&self) -> Trueup {
        self.trueup_with(Settings::default()).await
    }

    /// The same, with a job for each row.
    pub async fn trueup_row_by_row(&self) -> Trueup {
        self.trueup_with(Settings { rows_per_range: 1, ..Settings::default() }).await
    }

    /// The same, with these limits.
    pub async fn trueup_with(&self, settings: Settings) -> Trueup {
        let settings = Settings { look_again_after: Duration::from_millis(200), ..settings };
        Trueup::connect_with(&self.config, settings, quick_queue(&self.config)).await.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Runs to the end with one worker.
    pub async fn run(&self, mode: Mode) -> Finished {
        let trueup = self.trueup().await;
        let run = start_run(trueup.context(), new_run(mode)).await.expect("a run");
        self.finish(&trueup, run).await
    }

    /// Works on a run until its report is there.
    pub async fn finish(&self, trueup: &Trueup, run: RunId) -> Finished {
        let stop = CancellationToken::new();
        let worker = tokio::spawn(trueup.clone().worker("test", stop.clone()));
        let scheduler = tokio::spawn(trueup.clone().scheduler(Vec::new(), stop.clone()));
        enqueue_run(trueup.context(), run).await.expect("enqueued");
        let finished = self.await_report(trueup, run).await;
        stop.cancel();
        worker.await.expect("no panic").expect("the worker ends well");
        scheduler.await.expect("no panic").expect("the scheduler ends well");
        finished
    }

    /// Waits until a run is finished, and reads its report.
    pub async fn await_report(&self, trueup: &Trueup, run: RunId) -> Finished {
        let finished = async {
            while run_status(trueup.context(), run).await.expect("a status").expect("the run").finished_at.is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(RUN_LIMIT, finished).await.expect("the run ends");
        self.report(run).await
    }

    /// A run's report with its drifts.
    pub async fn report(&self, run: RunId) -> Finished {
        let mut connection = self.pool().acquire().await.expect("a connection");
        let document = report::read(&mut connection, run).await.expect("read").expect("a report");
        let drifts = report::drifts(&mut connection, run, DriftFilter::default(), None, 100_000).await.expect("the drifts");
        Finished { document: serde_json::from_value(document).expect("the document"), drifts }
    }
}

/// A run that is finished.
pub struct Finished {
    pub document: Document,
    pub drifts: Vec<DriftRow>,
}

impl Finished {
    /// `class field entity`, sorted.
    pub fn found(&self) -> Vec<String> {
        let mut found: Vec<String> = self
            .drifts
            .iter()
            .map(|drift| {
                format!(
                    "{} {} {}",
                    drift.class,
                    drift.field,
                    drift.identity.as_ref().or(drift.chain_key.as_ref()).map_or("", |it| it.as_str())
                )
            })
            .collect();
        found.sort();
        found
    }
}

pub fn new_run(mode: Mode) -> NewRun {
    NewRun { origin: "test".into(), mode, timeout_secs: 300, ..NewRun::default() }
}

/// A queue that notices and retries within moments.
pub fn quick_queue(config: &Config) -> trueup_queue::Settings {
    trueup_queue::Settings {
        lease: Duration::from_secs(3),
        heartbeat_every: Duration::from_millis(500),
        reap_every: Duration::from_millis(200),
        backoff_base: Duration::from_millis(50),
        backoff_cap: Duration::from_millis(500),
        max_failures: 3,
        redis: config.queue_settings().expect("a queue").redis,
        ..trueup_queue::Settings::default()
    }
}
