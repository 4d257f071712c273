use trueup_database::connect::{ConnectError, PoolSettings, options, pools};
use trueup_judge::Withheld;

use crate::application::{Application, LOAN_SPEC, LOANS};
use crate::spec_text::spec;

/// Roles belong to the whole server, which tests share.
fn role(application: &Application) -> String {
    format!("reader_{}", application.url().rsplit('_').next().unwrap())
}

#[tokio::test]
async fn a_read_only_role_detects_and_says_what_it_cannot_repair() {
    let application = Application::new(LOANS).await;
    let role = role(&application);
    application
        .run(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA trueup TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA trueup TO {role};
             INSERT INTO loans VALUES (1, 'active', 20)"
        ))
        .await;
    let theirs = pools(&application.url_of(&role, "x"), &PoolSettings::default()).await.unwrap();
    let Err(error) = application.bind_with(&theirs.read, LOAN_SPEC).await else { panic!("it may not read") };
    insta::assert_snapshot!(error.to_string().replace(&role, "ROLE"), @r#"
    spec.toml:3:10: role `ROLE` may not read `balance`, `id`, `status`, `total` of public.loans
      |
    3 | table = "loans"
      |          ^
      = help: GRANT SELECT ON "public"."loans" TO "ROLE";
    "#);

    application.run(&format!("GRANT SELECT ON loans TO {role}; GRANT UPDATE (balance) ON loans TO {role}")).await;
    let kind = application.bind_with(&theirs.read, LOAN_SPEC).await.unwrap();
    insta::assert_snapshot!(kind.warnings().join("\n").replace(&role, "ROLE"), @r#"
    loan: role `ROLE` may not update column `status` of public.loans (GRANT UPDATE ("status") ON "public"."loans" TO "ROLE";), so its drift is reported and not repaired
    loan: role `ROLE` may not insert into public.loans (GRANT INSERT ("id", "status", "balance") ON "public"."loans" TO "ROLE";), so missing rows are reported and not inserted
    "#);
    let compared = application.compare(&kind, "1", &[Some("Paid"), Some("5")]).await.unwrap().unwrap();
    let writable: Vec<_> = compared.differences.iter().map(|it| (it.field.as_str(), it.writable)).collect();
    assert_eq!(writable, [("status", Err(Withheld::NotWritable)), ("balance", Ok(()))]);
}

#[tokio::test]
async fn row_security_that_hides_rows_is_refused_and_an_open_policy_is_not() {
    let application = Application::new(&format!("{LOANS}; ALTER TABLE loans ENABLE ROW LEVEL SECURITY")).await;
    let role = role(&application);
    application.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'; GRANT SELECT, UPDATE, INSERT ON loans TO {role}; CREATE POLICY own ON loans TO {role} USING (id < 10)")).await;
    let theirs = pools(&application.url_of(&role, "x"), &PoolSettings::default()).await.unwrap();
    let Err(error) = application.bind_with(&theirs.read, LOAN_SPEC).await else { panic!("rows are hidden") };
    insta::assert_snapshot!(error.to_string().replace(&role, "ROLE"), @r#"
    spec.toml:3:10: row security may hide rows of public.loans from role `ROLE`
      |
    3 | table = "loans"
      |          ^
      = help: a hidden row would pass for a missing one. ALTER ROLE "ROLE" BYPASSRLS; or, on each such table: CREATE POLICY trueup ON "public"."loans" TO "ROLE" USING (true) WITH CHECK (true);
    "#);
    application.run(&format!("CREATE POLICY all_rows ON loans TO {role} USING (true) WITH CHECK (true)")).await;
    let kind = application.bind_with(&theirs.read, LOAN_SPEC).await.unwrap();
    assert!(kind.warnings().is_empty(), "{:?}", kind.warnings());
    application.run(&format!("CREATE POLICY but ON loans AS RESTRICTIVE TO {role} USING (id < 10)")).await;
    assert!(application.bind_with(&theirs.read, LOAN_SPEC).await.is_err());
    // The owner sees everything.
    application.bind(LOAN_SPEC).await;
}

#[tokio::test]
async fn generated_columns_and_views_are_compared_and_never_written() {
    let application = Application::new(
        "CREATE TABLE base (id bigint PRIMARY KEY, half numeric, v numeric GENERATED ALWAYS AS (half * 2) STORED); INSERT INTO base VALUES (1, 5);
         CREATE VIEW seen AS SELECT id, v FROM base",
    )
    .await;
    for table in ["base", "seen"] {
        let text = spec(table).compare("v", "numeric").repaired();
        let kind = application.bind(&text).await;
        assert_eq!(application.rows(&kind).await.len(), 1);
        let compared = application.compare(&kind, "1", &[Some("11")]).await.unwrap().unwrap();
        assert_eq!(compared.differences[0].writable, Err(Withheld::NotWritable));
        assert!(!kind.warnings().is_empty());
        assert_eq!(kind.rules().insert_complete, table == "base");
    }
}

#[tokio::test]
async fn reads_cannot_write_whatever_an_expression_calls() {
    let application = Application::new(&format!("{LOANS}; CREATE FUNCTION sneak() RETURNS boolean LANGUAGE sql AS 'UPDATE loans SET balance = 0 RETURNING true'; INSERT INTO loans VALUES (1, 'active', 20)")).await;
    let kind = application.bind(&LOAN_SPEC.replace("key = \"id\"", "key = \"id\"\nwhere = \"sneak()\"")).await;
    let refused = kind.locate(&application.pools.read, &[trueup_judge::RowIdentity("1".to_owned())]).await;
    assert!(refused.is_err());
    assert_eq!(application.text("SELECT balance::int::text FROM loans").await.as_deref(), Some("20"));
}

fn short() -> PoolSettings {
    PoolSettings { patience_secs: 1, ..PoolSettings::default() }
}

#[tokio::test]
async fn what_is_wrong_with_a_connection_is_said_without_the_password() {
    let application = Application::new("").await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = pools(&format!("postgres://me:secret@127.0.0.1:{closed}/app"), &short()).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("no Postgres answers at 127.0.0.1:{closed} (tried for 1 s)")) && !error.contains("secret"),
        "{error}"
    );

    let (server, _) = application.url().rsplit_once('/').unwrap();
    let error = pools(&format!("{server}/nowhere"), &short()).await.unwrap_err();
    assert!(matches!(&error, ConnectError::NoDatabase { database, .. } if database == "nowhere"), "{error}");

    let error = options("postgres://me:secret@db.example:6543/postgres").unwrap_err();
    insta::assert_snapshot!(error, @r#"
    db.example:6543 is a transaction-mode pooler (port 6543). trueup needs a connection that stays its own: session settings, advisory locks and LISTEN do not survive there.
    Use the direct connection or the session-mode pooler (on Supabase: port 5432).
    "#);
    let error = options("postgres://me:p@ss@word@:x/postgres").unwrap_err().to_string();
    assert!(error.contains("percent-encoded") && !error.contains("p@ss"), "{error}");
}

#[tokio::test]
async fn a_database_without_the_schema_says_how_to_create_it() {
    let database = trueup_sandbox::TestDatabase::create().await;
    let connected = pools(database.url(), &short()).await.unwrap();
    let error = connected.require_schema().await.unwrap_err().to_string();
    assert!(error.contains("Create it with `trueup migrate`"), "{error}");
    trueup_schema::migrate(&connected.write).await.unwrap();
    connected.require_schema().await.unwrap();
}

#[tokio::test]
async fn a_view_that_has_a_key_twice_fails_that_key_alone() {
    let application = Application::new(
        "CREATE TABLE base (row int PRIMARY KEY, id bigint, v numeric); INSERT INTO base VALUES (1, 1, 5), (2, 2, 5), (3, 2, 5), (4, NULL, 5);
         CREATE VIEW seen AS SELECT id, v FROM base",
    )
    .await;
    let text = spec("seen").compare("v", "numeric");
    let kind = application.bind(&text).await;
    let rows = application.rows(&kind).await;
    assert_eq!(rows.len(), 3);
    let located = kind.locate(&application.pools.read, &rows[..2]).await.unwrap();
    assert!(located[0].1.is_ok() && located[1].1.is_err(), "{located:?}");
}
