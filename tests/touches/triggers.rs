use sqlx::{Connection, PgConnection};
use trueup::Mode;

use super::{Service, repairs, runs, settled, until};
use crate::program::Program;
use crate::support::Deployment;

/// The application writes as a role that may do nothing in schema trueup.
async fn application(deployment: &Deployment) -> PgConnection {
    let role = format!("app_{}", deployment.value::<String>("SELECT current_database()").await);
    deployment.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD 'app'; GRANT SELECT, INSERT, UPDATE ON loans TO {role}")).await;
    let options = (*deployment.pool().connect_options()).clone().username(&role).password("app");
    PgConnection::connect_with(&options).await.expect("the application's connection")
}

async fn with_triggers(loans: u32) -> Deployment {
    let deployment = Deployment::with_loans(loans).await;
    let printed = Program::start(&deployment.config, &["triggers"]).end().await;
    deployment.sql(&printed.expect_code(0).stdout).await;
    deployment
}

async fn execute(connection: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[tokio::test]
async fn a_row_that_changes_touches_itself_and_one_that_trueup_writes_does_not() {
    let deployment = with_triggers(8).await;
    let mut application = application(&deployment).await;
    let service = Service::start(&deployment, Mode::Repair).await;
    execute(&mut application, "UPDATE loans SET status = 'active' WHERE id IN (3, 5)").await;
    until(&deployment, "(SELECT count(*) FROM trueup.repairs) = 2").await;
    settled(&deployment).await;
    assert_eq!(repairs(&deployment).await, ["3", "5"]);
    assert_eq!(runs(&deployment).await, 1, "the repairs touched nothing");
    execute(&mut application, "INSERT INTO loans (loan_id, amount) VALUES ('88', 1)").await;
    until(&deployment, "EXISTS (SELECT FROM trueup.touches WHERE run IS NOT NULL AND entity = '9')").await;
    settled(&deployment).await;
    service.end().await;
    let origins: Vec<String> = deployment.value("SELECT array_agg(DISTINCT origin) FROM trueup.touches").await;
    assert_eq!(origins, ["trigger"]);
}

#[tokio::test]
async fn a_row_is_looked_at_when_its_change_is_there_to_be_seen() {
    let deployment = with_triggers(8).await;
    let mut application = application(&deployment).await;
    execute(&mut application, "UPDATE loans SET wallet = wallet WHERE id = 3").await;
    // The touch waits, and this change counts on it.
    execute(&mut application, "BEGIN; UPDATE loans SET status = 'active' WHERE id = 3").await;
    let service = Service::start(&deployment, Mode::Repair).await;
    service.touch(&[super::by_row("5")]).await;
    until(&deployment, "EXISTS (SELECT FROM trueup.touches WHERE entity = '5' AND run IS NOT NULL)").await;
    settled_but(&deployment).await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.touches WHERE entity = '3' AND run IS NULL").await, 1);
    execute(&mut application, "COMMIT").await;
    until(&deployment, "(SELECT count(*) FROM trueup.repairs) = 1").await;
    service.end().await;
}

async fn settled_but(deployment: &Deployment) {
    until(deployment, "NOT EXISTS (SELECT FROM trueup.runs WHERE phase <> 'done')").await;
}

#[tokio::test]
async fn a_touch_that_cannot_be_stored_does_not_fail_the_write() {
    let deployment = with_triggers(3).await;
    let mut application = application(&deployment).await;
    deployment.sql("ALTER TABLE trueup.touches RENAME TO gone").await;
    execute(&mut application, "UPDATE loans SET status = 'active' WHERE id = 3").await;
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM loans WHERE status = 'active'").await, 1);
}

const LISTENER: &str = r#"FROM pg_stat_activity WHERE query = 'LISTEN "trueup_touch"' AND state = 'idle' AND datname = current_database()"#;

#[tokio::test]
async fn a_notification_touches_what_it_names_and_a_wrong_one_nothing() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id IN (2, 4)").await;
    let services = [Service::start(&deployment, Mode::Repair).await, Service::start(&deployment, Mode::Repair).await];
    until(&deployment, &format!("EXISTS (SELECT {LISTENER})")).await;
    deployment
        .sql(
            r#"NOTIFY trueup_touch, 'nonsense'; NOTIFY trueup_touch, '{"kind": "lone", "key": "2"}';
               NOTIFY trueup_touch, '{"kind": "loan", "key": "2"}'; NOTIFY trueup_touch, '{"kind": "loan", "row": "4"}'"#,
        )
        .await;
    until(&deployment, "(SELECT count(*) FROM trueup.repairs) = 2").await;
    settled(&deployment).await;
    for service in services {
        service.end().await;
    }
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.touches").await, 2, "one process listens");
}

#[tokio::test]
async fn somebody_listens_again_when_the_connection_that_listened_is_lost() {
    let deployment = Deployment::with_loans(5).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id = 2").await;
    let services = [Service::start(&deployment, Mode::Repair).await, Service::start(&deployment, Mode::Repair).await];
    until(&deployment, &format!("EXISTS (SELECT {LISTENER})")).await;
    let listener: i32 = deployment.value(&format!("SELECT pid {LISTENER}")).await;
    deployment.sql(&format!("SELECT pg_terminate_backend({listener})")).await;
    until(&deployment, &format!("EXISTS (SELECT {LISTENER} AND pid <> {listener})")).await;
    deployment.sql(r#"NOTIFY trueup_touch, '{"kind": "loan", "key": "2"}'"#).await;
    until(&deployment, "(SELECT count(*) FROM trueup.repairs) = 1").await;
    for service in services {
        service.end().await;
    }
}
