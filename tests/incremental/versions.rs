//! Which kinds can be swept incrementally, and what counts as a row's having moved.

use trueup::Sweep;

use super::{fingerprints, remember, sweep};
use crate::support::{Deployment, SPEC};

/// The same spec with one more condition.
fn with_condition(holds: &str) -> String {
    format!("{SPEC}\n[[condition]]\nname = \"it\"\nholds = \"{holds}\"\n")
}

async fn full_because(deployment: &Deployment) -> Option<String> {
    let trueup = deployment.trueup().await;
    trueup.context().bound_kinds().next().expect("the kind").full_because().map(str::to_owned)
}

#[tokio::test]
async fn a_kind_is_swept_in_full_where_more_than_row_and_entry_decides() {
    let deployment = Deployment::with_loans(0).await;
    deployment.sql("CREATE FUNCTION mine(n numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT n'").await;
    let cases = [
        (SPEC.to_owned(), None),
        (with_condition("chain.balance <= db.amount"), None),
        (with_condition("abs(chain.balance - db.amount) < 5 AND db.status <> ''"), None),
        (
            with_condition("chain.balance >= 0 OR db.updated_at < now() - interval '1 day'"),
            Some("condition `it` uses a function that is not immutable"),
        ),
        (with_condition("db.updated_at::date < current_date"), Some("condition `it` uses a function that is not immutable")),
        (with_condition("db.updated_at > 'today'::timestamptz"), Some("'today'")),
        (with_condition("db.amount > random()"), Some("not immutable")),
        (with_condition("db.amount < (SELECT count(*) FROM loans) + 10"), Some("reads more than the row and its entries")),
        (with_condition("mine(db.amount) = chain.amount"), Some("mine(numeric)")),
        (with_condition("db.updated_at::text <> ''"), Some("not immutable")),
        (SPEC.replace("changed = \"updated_at\"", "where = \"updated_at > now() - interval '1 year'\""), Some("`where` uses")),
        (SPEC.replace("\"loan_id like 'pending-%'\"", "\"loan_id like 'pending-%' AND updated_at < now()\""), Some("`when` uses")),
    ];
    for (spec, expected) in cases {
        let spec = spec.replace("${LENDING}", &deployment.contracts.lending);
        std::fs::write(deployment.specs.path().join("loan.toml"), &spec).expect("the spec");
        let why = full_because(&deployment).await;
        match expected {
            None => assert_eq!(why, None, "{spec}"),
            Some(expected) => assert!(why.as_deref().is_some_and(|why| why.contains(expected)), "{why:?} does not say {expected}"),
        }
    }
}

#[tokio::test]
async fn a_kind_that_time_decides_is_swept_in_full_by_every_sweep() {
    let deployment = Deployment::with_spec(10, &with_condition("db.updated_at > now() - interval '2 hours'")).await;
    sweep(&deployment, Sweep::Full).await;
    assert_eq!(fingerprints(&deployment).await, 0);
    let swept = sweep(&deployment, Sweep::Incremental).await;
    assert_eq!((swept.document.kinds["loan"].entities, swept.document.kinds["loan"].unmoved), (10, 0));
}

#[tokio::test]
async fn tables_whose_rows_have_no_version_of_their_own_are_swept_in_full() {
    let deployment = Deployment::with_loans(3).await;
    deployment.sql("CREATE TABLE more () INHERITS (loans)").await;
    assert!(full_because(&deployment).await.is_some_and(|why| why.contains("inherited")));
    deployment.sql("DROP TABLE more; CREATE TYPE odd AS (a int); ALTER TABLE loans ALTER COLUMN amount TYPE text").await;
    deployment.sql("ALTER TABLE loans RENAME TO kept; CREATE VIEW loans AS SELECT * FROM kept").await;
    let deployment_why = full_because(&deployment);
    // A view of loans whose amount is a text is no fit for the spec's guard of money, but it binds.
    assert!(deployment_why.await.is_some_and(|why| why.contains("primary key")));
}

#[tokio::test]
async fn a_role_that_cannot_prove_it_sweeps_in_full_and_is_told_why() {
    let deployment = Deployment::with_loans(3).await;
    let database: String = deployment.value("SELECT current_database()::text").await;
    let role = format!("swept_{}", database.replace('-', "_"));
    deployment
        .sql(&format!(
            "CREATE ROLE \"{role}\" LOGIN; REVOKE TEMPORARY ON DATABASE \"{database}\" FROM PUBLIC;
             GRANT USAGE ON SCHEMA public, trueup TO \"{role}\"; GRANT ALL ON ALL TABLES IN SCHEMA public, trueup TO \"{role}\";
             GRANT ALL ON ALL SEQUENCES IN SCHEMA trueup TO \"{role}\""
        ))
        .await;
    let mut config = deployment.config.clone();
    config.database_url = config.database_url.map(|url| as_role(&url, &role));
    let restricted = trueup::Trueup::connect(&config).await.unwrap_or_else(|error| panic!("{error:#}"));
    let why = restricted.context().bound_kinds().next().expect("the kind").full_because().expect("it cannot be proven").to_owned();
    assert!(why.contains("GRANT TEMPORARY"), "{why}");
    restricted.context().pools().close().await;
    deployment.sql(&format!("DROP OWNED BY \"{role}\"; DROP ROLE \"{role}\"")).await;
}

fn as_role(url: &str, role: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("an address");
    let host = rest.split_once('@').map_or(rest, |(_, host)| host);
    format!("{scheme}://{role}@{host}")
}

#[tokio::test]
async fn a_label_that_is_renamed_moves_every_row() {
    let deployment = Deployment::with_loans(5).await;
    deployment
        .sql(
            "CREATE TYPE state AS ENUM ('pending', 'active', 'paid', 'defaulted');
              ALTER TABLE loans ALTER COLUMN status DROP DEFAULT, ALTER COLUMN status TYPE state USING status::state",
        )
        .await;
    assert_eq!(full_because(&deployment).await, None, "an enum may be compared");
    remember(&deployment, 5).await;
    assert_eq!(sweep(&deployment, Sweep::Incremental).await.document.kinds["loan"].unmoved, 5);
    deployment.sql("ALTER TYPE state RENAME VALUE 'pending' TO 'waiting'").await;
    assert_eq!(sweep(&deployment, Sweep::Incremental).await.found().len(), 5);
}

#[tokio::test]
async fn a_column_that_is_dropped_and_added_again_moves_every_row() {
    let deployment = Deployment::with_loans(5).await;
    remember(&deployment, 5).await;
    deployment.sql("ALTER TABLE loans DROP COLUMN status; ALTER TABLE loans ADD COLUMN status text NOT NULL DEFAULT 'active'").await;
    assert_eq!(sweep(&deployment, Sweep::Incremental).await.found().len(), 5);
}

#[tokio::test]
async fn rows_that_are_altered_under_a_running_process_are_not_passed_over() {
    let deployment = Deployment::with_loans(5).await;
    deployment
        .sql(
            "CREATE TYPE state AS ENUM ('pending', 'active', 'paid', 'defaulted');
              ALTER TABLE loans ALTER COLUMN status DROP DEFAULT, ALTER COLUMN status TYPE state USING status::state",
        )
        .await;
    remember(&deployment, 5).await;
    let bound_before = deployment.trueup().await;
    deployment.sql("ALTER TYPE state RENAME VALUE 'pending' TO 'waiting'").await;
    let new = trueup::NewRun { sweep: Sweep::Incremental, ..crate::support::new_run(trueup::Mode::Detect) };
    let run = trueup_workers::start_run(bound_before.context(), new).await.expect("a run");
    assert_eq!(deployment.finish(&bound_before, run).await.found().len(), 5);
}

#[tokio::test]
async fn a_row_that_is_being_written_is_found_once_it_is_committed() {
    let deployment = Deployment::with_loans(10).await;
    remember(&deployment, 10).await;
    let mut writer = deployment.pool().begin().await.expect("a transaction");
    sqlx::raw_sql("UPDATE loans SET status = 'active' WHERE id = 4; UPDATE loans SET updated_at = updated_at WHERE id = 5")
        .execute(&mut *writer)
        .await
        .expect("written");
    let during = sweep(&deployment, Sweep::Incremental).await;
    assert_eq!((during.found().len(), during.document.kinds["loan"].unmoved), (0, 10), "what is not committed has not moved");
    sweep(&deployment, Sweep::Full).await;
    writer.commit().await.expect("committed");
    assert_eq!(sweep(&deployment, Sweep::Incremental).await.found(), ["stale_status status 4"]);
}

#[tokio::test]
async fn a_version_that_is_younger_than_a_running_transaction_leaves_no_fingerprint() {
    let deployment = Deployment::with_loans(10).await;
    remember(&deployment, 10).await;
    let mut running = deployment.pool().begin().await.expect("a transaction");
    sqlx::raw_sql("CREATE TEMPORARY TABLE gives_it_an_id (n int)").execute(&mut *running).await.expect("an id");
    deployment.sql("UPDATE loans SET amount = amount WHERE id = 3").await;
    for _ in 0..2 {
        let swept = sweep(&deployment, Sweep::Incremental).await;
        assert_eq!(swept.document.kinds["loan"].unmoved, 9, "each sweep looks at it, until its id cannot be given again soon");
    }
    running.rollback().await.expect("ended");
    remember(&deployment, 10).await;
    for _ in 0..super::FULL_SWEEPS {
        if sweep(&deployment, Sweep::Incremental).await.document.kinds["loan"].unmoved == 10 {
            return;
        }
    }
    panic!("it is looked at for good");
}
