//! How long statements may take, as trueup and the role itself say.

use trueup_database::connect::{PoolSettings, pools};
use trueup_database::{Compare, Kind, Pools};

use crate::application::{Application, LOAN_SPEC, LOANS, compare};

/// How many rows a batch has here.
const ROWS: i64 = 60;

async fn setting(pools: &Pools, name: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&pools.write).await.unwrap()
}

#[tokio::test]
async fn trueup_waits_for_locks_as_it_is_told_and_keeps_the_roles_own_limit_on_statements() {
    let application = Application::new("").await;
    let role = format!("patient_{}", application.url().rsplit('_').next().unwrap());
    application
        .run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'x'; ALTER ROLE {role} SET lock_timeout = '1ms'; ALTER ROLE {role} SET statement_timeout = '7s'"
        ))
        .await;
    let pools = pools(&application.url_of(&role, "x"), &PoolSettings::default()).await.unwrap();
    assert_eq!((setting(&pools, "lock_timeout").await.as_str(), setting(&pools, "statement_timeout").await.as_str()), ("10s", "7s"));
}

/// A spec whose condition is cancelled, as a statement is that takes too long, for the rows that this names.
async fn cancelled_for(rows: &str) -> (Application, Kind) {
    let application =
        Application::new(&format!("{LOANS}; INSERT INTO loans SELECT n, 'active', 20 FROM generate_series(1, {ROWS}) AS n")).await;
    application
        .run(&format!(
            "CREATE FUNCTION fine(id bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS
             $$ BEGIN IF {rows} THEN PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(60); END IF; RETURN true; END $$"
        ))
        .await;
    let kind = application.bind(LOAN_SPEC.replace("chain.balance <= db.total", "fine(db.id)")).await;
    (application, kind)
}

fn questions() -> Vec<Compare> {
    (1..=ROWS).map(|row| compare(&row.to_string(), &[Some("Paid"), Some("20")])).collect()
}

#[tokio::test]
async fn a_row_that_takes_longer_than_a_statement_may_fails_alone_and_may_succeed_later() {
    let (application, kind) = cancelled_for("id = 37").await;
    let compared = kind.compare(&application.pools.read, &questions()).await.unwrap();
    assert_eq!(compared.len(), usize::try_from(ROWS).unwrap(), "all differ in their status");
    let failed: Vec<_> = compared.iter().filter_map(|(row, compared)| Some((row, compared.as_ref().err()?))).collect();
    let [(row, error)] = failed.as_slice() else { panic!("one row failed: {failed:?}") };
    assert_eq!((row.0.as_str(), error.is_passing), ("37", true));
    assert_eq!(error.message, "canceling statement due to user request");
}

#[tokio::test]
async fn if_every_statement_takes_too_long_no_row_is_blamed() {
    let (application, kind) = cancelled_for("true").await;
    let error = kind.compare(&application.pools.read, &questions()).await.unwrap_err();
    assert!(error.is_transient(), "{error}");
}
