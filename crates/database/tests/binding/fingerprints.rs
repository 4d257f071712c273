//! What is kept of clean verdicts.

use std::time::Duration;

use trueup_database::{Fingerprint, keep_fingerprints};
use trueup_judge::{EntityKind, RowIdentity};

use crate::application::Application;

/// Enough rows for some of them not to be asked whether they have a fingerprint.
const ROWS: i64 = 100;

/// Fingerprints of rows `from` to `ROWS`, as of a sweep.
async fn keep(application: &Application, from: i64, sweep: i64) {
    let fingerprints: Vec<_> =
        (from..ROWS).map(|row| (RowIdentity(row.to_string()), Fingerprint { row: sweep * row, entries: -sweep })).collect();
    let mut tx = application.pools.write.begin().await.unwrap();
    keep_fingerprints(&mut tx, &application.pools.statements, &EntityKind("thing".into()), &fingerprints).await.unwrap();
    tx.commit().await.unwrap();
}

/// How many there are of a sweep, and how many in all.
async fn kept(application: &Application, sweep: i64) -> String {
    let count = "count(*) FILTER (WHERE row_mark = identity::bigint";
    let sql =
        format!("SELECT {count} * {sweep} AND entry_mark = -{sweep}) || ' of ' || count(*) FROM trueup.fingerprints WHERE kind = 'thing'");
    application.text(&sql).await.unwrap()
}

#[tokio::test]
async fn rows_have_the_fingerprint_of_their_last_clean_verdict_whether_or_not_they_had_one() {
    let application = Application::new("").await;
    keep(&application, ROWS / 2, 1).await;
    assert_eq!(kept(&application, 1).await, "50 of 50", "where none had one");
    keep(&application, 0, 2).await;
    assert_eq!(kept(&application, 2).await, "100 of 100", "where half of them had one");
    keep(&application, 0, 2).await;
    assert_eq!(kept(&application, 2).await, "100 of 100", "where all had the same");
}

#[tokio::test]
async fn one_row_that_has_a_fingerprint_among_many_that_have_none_gets_the_new_one() {
    let application = Application::new("").await;
    for known in 0..ROWS {
        application.run(&format!("TRUNCATE trueup.fingerprints; INSERT INTO trueup.fingerprints VALUES ('thing', {known}, 7, 7)")).await;
        keep(&application, 0, 1).await;
        assert_eq!(kept(&application, 1).await, "100 of 100", "row {known} had one");
    }
}

#[tokio::test]
async fn a_row_that_another_transaction_is_about_to_remember_is_waited_for() {
    let application = Application::new("").await;
    let mut other = application.pools.write.begin().await.unwrap();
    sqlx::query("INSERT INTO trueup.fingerprints VALUES ('thing', '50', 7, 7)").execute(&mut *other).await.unwrap();
    let ends = async {
        let waits = "SELECT count(*)::text FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        for _ in 0..1_000 {
            if application.text(waits).await.as_deref() == Some("1") {
                return other.commit().await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nobody waited");
    };
    tokio::join!(keep(&application, 0, 1), ends);
    assert_eq!(kept(&application, 1).await, "100 of 100");
}
