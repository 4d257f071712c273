//! Roles that may not do what trueup is asked for.

use crate::applications::support::Application;
use crate::bad_input::bank::{bank, spec};

/// A new role, and the database's address for it.
async fn role(bank: &Application, grants: &str) -> String {
    let name = bank.value("SELECT current_database() || '_role'").await;
    bank.sql(&format!("CREATE ROLE {name} LOGIN; {}", grants.replace("ROLE", &name))).await;
    bank.database.url().replace("postgres@", &format!("{name}@"))
}

const READ_APPLICATION: &str = "GRANT USAGE ON SCHEMA public TO ROLE; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE;";
const USE_TRUEUP: &str =
    "GRANT USAGE ON SCHEMA trueup TO ROLE; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA trueup TO ROLE;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA trueup TO ROLE;";

#[tokio::test]
async fn a_role_that_may_not_use_schema_trueup() {
    let bank = bank(&spec()).await;
    let url = role(&bank, READ_APPLICATION).await;
    let said = bank.trueup(&["run", "--database-url", &url]).await.refused(&[
        "permission denied for schema trueup",
        "GRANT",
        "docs/operations.md",
    ]);
    assert_eq!(said.err.matches("permission denied").count(), 1, "said once: {}", said.err);
    assert!(!said.err.contains("at line"), "a line of Postgres' source is none of ours: {}", said.err);
    bank.sql("GRANT USAGE ON SCHEMA trueup TO public; GRANT SELECT ON ALL TABLES IN SCHEMA trueup TO public").await;
    bank.trueup(&["run", "--database-url", &url]).await.refused(&["permission denied for table runs", "GRANT"]);
    bank.trueup(&["report", "--database-url", &url]).await.refused(&["no run has a report yet"]);
    assert_eq!(bank.value("SELECT count(*) FROM trueup.runs").await, "0");
}

#[tokio::test]
async fn a_role_that_may_only_read_the_application_finds_and_repairs_nothing() {
    let bank = bank(&spec()).await;
    let url = role(&bank, &format!("{READ_APPLICATION}{USE_TRUEUP}")).await;
    let checked = bank.trueup(&["check", "--database-url", &url]).await.expect(0);
    assert!(checked.out.contains("GRANT UPDATE (\"balance\") ON \"public\".\"accounts\""), "{}", checked.out);
    assert!(!checked.err.contains("GRANT"), "what stands in the answer is not logged besides: {}", checked.err);
    let ran = bank.trueup(&["run", "--mode", "repair", "--json", "--database-url", &url]).await.expect(3);
    assert_eq!(
        ran.drifts(),
        ["account 1 stale_value balance: 11 → 10 (not_writable)", "account 2 stale_value balance: 22 → 20 (not_writable)"]
    );
    assert_eq!(bank.value("SELECT sum(balance) FROM accounts").await, "33.0000000");
}

#[tokio::test]
async fn a_role_that_may_not_read_the_table() {
    let bank = bank(&spec()).await;
    let url = role(&bank, USE_TRUEUP).await;
    bank.trueup(&["check", "--database-url", &url]).await.refused(&["entity.toml:2:", "accounts", "GRANT"]);
}

#[tokio::test]
async fn row_level_security_that_hides_rows() {
    let bank = bank(&spec()).await;
    let url = role(&bank, &format!("{READ_APPLICATION}{USE_TRUEUP}")).await;
    bank.sql("ALTER TABLE accounts ENABLE ROW LEVEL SECURITY").await;
    bank.trueup(&["check", "--database-url", &url]).await.refused(&["entity.toml:2:", "row security may hide rows", "CREATE POLICY"]);
}

#[tokio::test]
async fn a_role_that_may_not_migrate() {
    let bank = Application::unmigrated(crate::bad_input::bank::TABLES, &crate::bad_input::bank::chain(), &spec()).await;
    let url = role(&bank, READ_APPLICATION).await;
    let said = bank.trueup(&["migrate", "--database-url", &url]).await.refused(&["needs CREATE on the database", "permission denied"]);
    assert_eq!(said.err.matches("permission denied").count(), 1, "{}", said.err);
    assert_eq!(bank.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'trueup'").await, "0");
}

/// The grants are those of docs/operations.md.
#[tokio::test]
async fn a_role_with_the_documented_grants_repairs_and_reverts() {
    let bank = bank(&spec()).await;
    let audit = "REVOKE UPDATE, DELETE ON trueup.repairs FROM ROLE; GRANT UPDATE (reason) ON trueup.repairs TO ROLE;
        GRANT UPDATE (after, altered) ON trueup.repairs TO ROLE; GRANT UPDATE (state, balance) ON accounts TO ROLE;";
    let documentation = include_str!("../../docs/operations.md");
    for grant in audit.split(';').filter(|it| it.contains("trueup.repairs")) {
        assert!(documentation.contains(&grant.trim().replace("ROLE", "trueup_worker")), "{grant}");
    }
    let url = role(&bank, &format!("{READ_APPLICATION}{USE_TRUEUP}{audit}")).await;
    bank.trueup(&["run", "--mode", "repair", "--database-url", &url]).await.expect(0);
    assert_eq!(bank.value("SELECT sum(balance) FROM accounts").await, "30.0000000");
    bank.trueup(&["repairs", "revert", "1", "--database-url", &url]).await.expect(0);
    bank.trueup(&["repairs", "release", "1", "--database-url", &url]).await.expect(0);
    bank.trueup(&["run", "--mode", "repair", "--database-url", &url]).await.expect(0);
    assert_eq!(bank.value("SELECT sum(balance) FROM accounts").await, "30.0000000");
}
