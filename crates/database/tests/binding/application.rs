//! An application's database, with trueup beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, Executor, FromRow, PgPool};
use trueup_database::connect::{PoolSettings, pools};
use trueup_database::{BindError, Compare, Compared, Kind, Located, Order, Pools, RepairOutcome, RowError, Select};
use trueup_judge::{Action, ChainKey, Class, Drift, Judgement, Plan, PlanId, RowIdentity, RunId, Seen, Stamp, judge_row};
use trueup_sandbox::TestDatabase;
use trueup_spec::Spec;

/// A contract's address that is one.
pub const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";
/// The ledger of every observation here.
pub const LEDGER: u32 = 1_000;

/// A database with an application's tables and trueup's schema.
pub struct Application {
    database: TestDatabase,
    pub pools: Pools,
}

/// A table and a spec of loans that most tests begin with.
pub const LOANS: &str = "CREATE TYPE loan_state AS ENUM ('pending', 'active', 'completed');
    CREATE TABLE loans (
        id bigint PRIMARY KEY,
        status loan_state NOT NULL DEFAULT 'pending',
        balance numeric(20, 7) NOT NULL,
        total numeric(20, 7) NOT NULL DEFAULT 100
    )";

pub const LOAN_SPEC: &str = r#"
kind = "loan"
table = "loans"
key = "id"

[chain]
source = "soroban"
contract = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC"
entry = [{ symbol = "Loan" }, { u64 = "id" }]
enumerate = { counter = { instance = "LOANCNT", first = 1, holds = "last" } }

[values]
status = { path = "status", type = "text" }
balance = { path = "balance", type = "numeric", decimals = 7 }

[[field]]
column = "status"
value = "status"
map = { Pending = "pending", Active = "active", Paid = "completed", Lost = "lost" }
class = "stale_status"

[[field]]
column = "balance"
value = "balance"

[[condition]]
name = "balance within total"
holds = "chain.balance <= db.total"
priority = "critical"

[repair]
stale_status = "update"
stale_value = "update"
missing_row = "insert"
"#;

impl Application {
    /// Creates one, with these tables.
    pub async fn new(tables: &str) -> Self {
        let database = TestDatabase::create().await;
        let pools = pools(database.url(), &PoolSettings::default()).await.unwrap_or_else(|error| panic!("{error}"));
        trueup_schema::migrate(&pools.write).await.unwrap();
        let application = Self { database, pools };
        application.run(tables).await;
        application
    }

    /// A connection string for another role of the same server.
    pub fn url_of(&self, role: &str, password: &str) -> String {
        let (_, rest) = self.database.url().split_once("://").unwrap();
        let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
        format!("postgres://{role}:{password}@{rest}")
    }

    pub fn url(&self) -> &str {
        self.database.url()
    }

    /// What the application does.
    pub async fn run(&self, sql: &str) {
        self.pools.write.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// One text that a query gives.
    pub async fn text(&self, sql: &str) -> Option<String> {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&self.pools.write).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub async fn try_bind(&self, spec: impl ToString) -> Result<Kind, BindError> {
        self.bind_with(&self.pools.read, spec).await
    }

    pub async fn bind_with(&self, pool: &PgPool, spec: impl ToString) -> Result<Kind, BindError> {
        let spec = Spec::parse("spec.toml", &spec.to_string(), &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
        Kind::bind(pool, Arc::new(spec), &self.pools.statements).await
    }

    pub async fn bind(&self, spec: impl ToString) -> Kind {
        self.try_bind(spec).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// What binding a spec complains about.
    pub async fn complaint(&self, spec: impl ToString) -> String {
        match self.try_bind(spec).await {
            Ok(_) => panic!("this spec should not fit"),
            Err(error) => error.to_string(),
        }
    }

    /// What a select of keys gives, in its order.
    pub async fn keys(&self, select: &Select) -> Vec<String> {
        #[derive(FromRow)]
        struct Row {
            key: String,
        }
        let sql = format!("SELECT key FROM (\n{}\n) AS it ORDER BY ord", select.sql);
        let rows: Vec<Row> =
            sqlx::query_as_with(AssertSqlSafe(sql), select.arguments().unwrap()).fetch_all(&self.pools.read).await.unwrap();
        rows.into_iter().map(|row| row.key).collect()
    }

    /// Every row's identity.
    pub async fn rows(&self, kind: &Kind) -> Vec<RowIdentity> {
        self.keys(&kind.rows_after(None, 100_000)).await.into_iter().map(RowIdentity).collect()
    }

    pub async fn locate(&self, kind: &Kind, row: &str) -> Result<Located, RowError> {
        let mut located = kind.locate(&self.pools.read, &[RowIdentity(row.to_owned())]).await.unwrap();
        assert_eq!(located.len(), 1, "{row} is not there");
        located.remove(0).1
    }

    /// Compares one row; none if it is in sync.
    pub async fn compare(&self, kind: &Kind, row: &str, values: &[Option<&str>]) -> Option<Result<Compared, RowError>> {
        let rows = [compare(row, values)];
        let mut compared = kind.compare(&self.pools.read, &rows).await.unwrap();
        assert!(compared.len() <= 1);
        compared.pop().map(|(_, compared)| compared)
    }

    /// The plan for a row that differs.
    pub async fn plan(&self, kind: &Kind, row: &str, values: &[Option<&str>]) -> Plan {
        let compared = self.compare(kind, row, values).await.expect("the row differs").unwrap();
        let seen = Seen::Present(stamp());
        let Judgement { plan, .. } = judge_row(&compared.facts, &seen, compared.differences, kind.rules());
        plan.expect("a row that differs has a plan")
    }

    /// Executes orders in one transaction of their own.
    pub async fn repair(&self, kind: &Kind, orders: &[Order]) -> Vec<RepairOutcome> {
        let mut tx = self.pools.write.begin().await.unwrap();
        let outcomes = kind.repair(&mut tx, orders).await.unwrap();
        tx.commit().await.unwrap();
        outcomes
    }
}

pub fn compare(row: &str, values: &[Option<&str>]) -> Compare {
    let values = values.iter().map(|value| value.map(str::to_owned)).collect();
    Compare { identity: RowIdentity(row.to_owned()), values: Some(values) }
}

pub fn stamp() -> Stamp {
    Stamp { endpoint: "rpc.example:443".to_owned(), ledger: LEDGER, last_modified: Some(LEDGER - 1), archived: false, confirmed_by: None }
}

/// An order for a row that is there.
pub fn order(plan: i64, row: &str, body: Plan) -> Order {
    Order {
        plan: PlanId(plan),
        run: RunId(1),
        job: 10 + plan,
        lease: 7,
        identity: Some(RowIdentity(row.to_owned())),
        chain_key: Some(ChainKey(row.to_owned())),
        body,
        chain_entry: Some("AAAA".to_owned()),
        trace: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        actor: "test".to_owned(),
        reason: None,
    }
}

/// An order for a row that is missing.
pub fn insertion(plan: i64, key: &str, row: BTreeMap<String, Option<String>>) -> Order {
    let drifts = vec![Drift { class: Class::MissingRow, field: String::new(), db: None, chain: Some(key.to_owned()), withheld: None }];
    let body = Plan { drifts, action: Action::Insert { row }, judged: BTreeMap::new(), stamp: Some(stamp()) };
    Order { identity: None, ..order(plan, key, body) }
}
