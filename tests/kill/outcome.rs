//! What a run leaves behind, apart from times, attempts and ids.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use trueup::Config;

/// The application's rows. Their ids are the database's own business, and so is when a row was inserted.
const ROWS: &str = "SELECT concat_ws(' ', kind, loan_id, coalesce(wallet, '∅'), amount, coalesce(balance::text, '∅'), status)
    FROM (SELECT 'loan' AS kind, * FROM loans UNION ALL SELECT 'mirror', * FROM mirror) AS every";
/// Every write, by the row's key and not by its id.
const AUDIT: &str = "SELECT concat_ws(' ', kind, chain_key, action, before, intended, after, altered) FROM trueup.repairs";
const DRIFTS: &str = "SELECT concat_ws(' ', d.kind, d.identity, d.chain_key, d.class, d.field, d.db_value, d.chain_value,
        p.verdict, p.repair, p.detail, p.plan -> 'action')
    FROM trueup.drifts AS d JOIN trueup.plans AS p ON p.id = d.plan";

/// What is left behind.
pub struct Outcome {
    rows: Vec<String>,
    audit: Vec<String>,
    drifts: Vec<String>,
    /// The report without its run's times, what was used, and for how long it gave way on a busy machine.
    report: Value,
    reports: i64,
    /// Rows that were written twice.
    twice: i64,
}

pub async fn of(config: &Config) -> Outcome {
    let mut connection = PgConnection::connect(config.database_url.as_deref().expect("a database")).await.expect("a connection");
    let mut report: Value = sqlx::query_scalar("SELECT document FROM trueup.reports").fetch_one(&mut connection).await.expect("the report");
    let document = report.as_object_mut().expect("a document");
    for of_the_machine in ["usage", "throttled"] {
        document.remove(of_the_machine);
    }
    let run = document.get_mut("run").and_then(Value::as_object_mut).expect("its run");
    run.retain(|name, _| ["id", "origin", "mode", "state", "partial"].contains(&name.as_str()));
    let outcome = Outcome {
        rows: texts(&mut connection, ROWS).await,
        audit: texts(&mut connection, AUDIT).await,
        drifts: texts(&mut connection, DRIFTS).await,
        report,
        reports: number(&mut connection, "SELECT count(*) FROM trueup.reports").await,
        twice: number(&mut connection, "SELECT count(*) - count(DISTINCT (kind, identity)) FROM trueup.repairs").await,
    };
    connection.close().await.expect("closed");
    outcome
}

async fn texts(connection: &mut PgConnection, sql: &str) -> Vec<String> {
    let mut texts: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(connection).await.expect(sql);
    texts.sort_unstable();
    texts
}

async fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.expect(sql)
}

impl Outcome {
    /// There was drift of every sort, and repairs of every sort.
    pub fn assert_worth_comparing(&self) {
        let classes = ["stale_status", "stale_value", "missing_row", "missing_on_chain", "provisional_id"];
        for class in classes {
            assert!(self.drifts.iter().any(|drift| drift.contains(class)), "{class}");
        }
        for action in [" update ", " insert "] {
            assert!(self.audit.iter().any(|audit| audit.contains(action)), "{action}");
        }
        assert_eq!(self.twice, 0, "each row is repaired once");
    }

    pub fn assert_is(&self, expected: &Self, after: &str) {
        assert_eq!((self.reports, self.twice), (1, 0), "{after}: one report, and no row is written twice");
        assert_same(&self.rows, &expected.rows, after);
        assert_same(&self.audit, &expected.audit, after);
        assert_same(&self.drifts, &expected.drifts, after);
        assert_eq!(self.report, expected.report, "{after}");
    }
}

fn assert_same(found: &[String], expected: &[String], after: &str) {
    let (all_found, all_expected): (BTreeSet<&String>, BTreeSet<&String>) = (found.iter().collect(), expected.iter().collect());
    let too_many: Vec<_> = all_found.difference(&all_expected).take(3).collect();
    let too_few: Vec<_> = all_expected.difference(&all_found).take(3).collect();
    assert!(too_many.is_empty() && too_few.is_empty(), "{after}: too many {too_many:#?}, too few {too_few:#?}");
    assert_eq!(found.len(), expected.len(), "{after}: something is there twice");
}
