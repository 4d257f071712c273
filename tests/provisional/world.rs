//! A lending book whose rows wait for their real keys, with the events of the chain in the database.

use chrono::DateTime;
use serde_json::{Value, json};
use stellar_xdr::{Limits, ReadXdr, ScVal};
use trueup::Mode;
use trueup_chain::decode;
use trueup_database::events::{Moved, StoredEvent, advance, begin, store};
use trueup_devnet::{BuildOptions, Built, Call, Invoked, Keypair, scval};
use trueup_spec::{Carrier, Path};

use crate::support::{Deployment, Finished, SPEC};

/// One unit of the application in the chain's base units.
pub const UNIT: i128 = 10_000_000;
/// The first account that no loan of the deployment is of.
const FIRST_ACCOUNT: u32 = 100;

pub const BY_TRANSACTION: &str = r#"
transaction = "tx_hash"
envelope    = "envelope"
submitted   = "created_at"
"#;

pub const BY_EVENT: &str = r#"
transaction = "tx_hash"
event       = { topics = ["LOANCRTD", "wallet"], id = "data[0]", match = { amount = { path = "data[1]", decimals = 7 } }, at = "created_at", within = "1 minute" }
"#;

pub struct World {
    pub deployment: Deployment,
    accounts: u32,
}

impl World {
    /// `loans` loans in sync, and a spec whose `[provisional]` says this.
    pub async fn new(loans: u32, provisional: &str) -> Self {
        let references = "references = [\"payments.loan_id\"]";
        let spec = SPEC
            .replace("'pending-%'\"", &format!("'pending-%'\"\n{references}\n{provisional}"))
            .replace("[repair]", "[repair]\nprovisional_id = \"resolve\"");
        let deployment = Deployment::with_spec(loans, &spec).await;
        deployment
            .sql(
                "ALTER TABLE loans ADD tx_hash text, ADD envelope text, ADD created_at timestamptz;
                 CREATE TABLE payments (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, loan_id text NOT NULL REFERENCES loans (loan_id))",
            )
            .await;
        Self { deployment, accounts: FIRST_ACCOUNT }
    }

    /// An account that nobody else uses.
    pub fn account(&mut self) -> Keypair {
        self.accounts += 1;
        self.deployment.devnet.account(self.accounts).expect("funded")
    }

    fn call(&self, source: &Keypair, units: i128) -> Call {
        let args = vec![scval::address(&source.address()).expect("an address"), scval::i128(units * UNIT), ScVal::U32(1)];
        Call { source: source.clone(), contract: self.deployment.contracts.lending.clone(), function: "create".into(), args }
    }

    /// Takes a loan on chain. A negative amount fails.
    pub fn create(&self, source: &Keypair, units: i128) -> Invoked {
        let Call { contract, function, args, .. } = self.call(source, units);
        self.deployment.devnet.invoke(source, &contract, &function, args).expect("included")
    }

    /// Signs a loan's creation, and keeps it.
    pub fn build(&self, source: &Keypair, units: i128, max_time: Option<u64>) -> Built {
        self.deployment.devnet.build(&self.call(source, units), BuildOptions { max_time, ..BuildOptions::default() }).expect("built")
    }

    pub fn now(&self) -> u64 {
        self.deployment.devnet.latest().close_time
    }

    /// A row that the application wrote at that time with a key of its own, and a payment that refers to it. Gives back
    /// its primary key.
    pub async fn row(&self, name: &str, source: &Keypair, units: i128, at: u64, hash: Option<&str>, envelope: Option<&str>) -> String {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO loans (loan_id, wallet, amount, balance, created_at, tx_hash, envelope)
             VALUES ('pending-' || $1, $2, $3::text::numeric, $3::text::numeric, to_timestamp($4), $5, $6) RETURNING id",
        )
        .bind(name)
        .bind(source.address())
        .bind(units.to_string())
        .bind(i64::try_from(at).expect("a time"))
        .bind(hash)
        .bind(envelope)
        .fetch_one(self.deployment.pool())
        .await
        .expect("a row");
        self.deployment.sql(&format!("INSERT INTO payments (loan_id) VALUES ('pending-{name}')")).await;
        id.to_string()
    }

    /// Stores all events of the lending contract up to the chain's tip.
    pub async fn feed(&self) {
        let contract = &self.deployment.contracts.lending;
        let filters = json!([{ "type": "contract", "contractIds": [contract] }]);
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "getEvents", "params": { "startLedger": 2, "filters": filters, "pagination": { "limit": 10_000 } } });
        // Fails where another test of this process has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let answer =
            reqwest::Client::new().post(&self.deployment.rpc.url).body(request.to_string()).header("content-type", "application/json");
        let answer: Value = answer.send().await.expect("an answer").json().await.expect("JSON");
        let result = &answer["result"];
        let events: Vec<StoredEvent> = result["events"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(stored).collect();
        let tip = result["latestLedger"].as_i64().expect("a ledger");
        let contracts = [contract.clone()];
        let mut tx = self.deployment.pool().begin().await.expect("a transaction");
        begin(&mut tx, &contracts, 2, None, tip).await.expect("begun");
        store(&mut tx, &events).await.expect("stored");
        let next: i64 = sqlx::query_scalar("SELECT next_ledger FROM trueup.event_cursors WHERE contract = $1")
            .bind(contract)
            .fetch_one(&mut *tx)
            .await
            .expect("a cursor");
        let moved = Moved { from: next, to: tip + 1, until_time: None, tip_ledger: tip };
        assert!(advance(&mut tx, &contracts, moved).await.expect("advanced"));
        // Asked for at the tip at any later time too: nothing comes that is not fed.
        sqlx::query("UPDATE trueup.event_cursors SET updated_at = now() + interval '1 hour'").execute(&mut *tx).await.expect("updated");
        tx.commit().await.expect("committed");
    }

    /// [`Self::feed`], and then the endpoint forgets all transactions up to here.
    pub async fn feed_and_prune(&self) {
        for _ in 0..2 {
            self.deployment.devnet.close_ledger();
        }
        self.feed().await;
        let oldest = self.deployment.devnet.latest().sequence;
        self.deployment.devnet.faults().update(|faults| faults.oldest_ledger = Some(oldest));
    }

    pub async fn run(&self, mode: Mode) -> Finished {
        self.deployment.run(mode).await
    }

    /// The key of a row now, and how many payments refer to it.
    pub async fn key(&self, row: &str) -> String {
        self.deployment
            .value(&format!(
                "SELECT loan_id || ' ' || (SELECT count(*) FROM payments AS p WHERE p.loan_id = l.loan_id) FROM loans AS l WHERE id = {row}"
            ))
            .await
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.deployment.value(&format!("SELECT count(*) FROM {table}")).await
    }
}

fn stored(event: &Value) -> StoredEvent {
    let text = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("{event}")).to_owned();
    let form = |xdr: &str| -> Value {
        let value = ScVal::from_xdr_base64(xdr, Limits::none()).expect("XDR");
        let json = decode(&value, &Path::default(), Carrier::Jsonb, 0, false).expect("a JSON form").expect("a value");
        serde_json::from_str(&json).expect("JSON")
    };
    let topics_xdr: Vec<String> =
        event["topic"].as_array().expect("topics").iter().map(|it| it.as_str().expect("text").to_owned()).collect();
    let topics: Vec<Value> = topics_xdr.iter().map(|xdr| form(xdr)).collect();
    StoredEvent {
        id: text("id"),
        ledger: event["ledger"].as_i64().expect("a ledger"),
        closed_at: DateTime::parse_from_rfc3339(&text("ledgerClosedAt")).expect("a time").to_utc(),
        contract: text("contractId"),
        transaction: text("txHash"),
        successful: true,
        name: topics.first().and_then(Value::as_str).map(str::to_owned),
        data: Some(form(&text("value"))),
        topics: Value::Array(topics),
        topics_xdr,
        data_xdr: text("value"),
        unreadable: None,
    }
}

/// `class withheld chain` of each drift of a row.
pub fn of_row(run: &Finished, row: &str) -> Vec<String> {
    let own = run.drifts.iter().filter(|drift| drift.identity.as_deref() == Some(row));
    own.map(|drift| format!("{} {} {}", drift.class, drift.withheld.as_deref().unwrap_or("-"), drift.chain.as_deref().unwrap_or("-")))
        .collect()
}
