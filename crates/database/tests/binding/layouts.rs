//! Tables as applications really have them.

use trueup_database::RepairOutcome;
use trueup_judge::{Action, RowIdentity};

use crate::application::{Application, order};
use crate::spec_text::{SpecText, spec};

/// The one row of these tables is located, found to differ from these values, repaired, and then in sync.
async fn round_trip(tables: &str, spec: SpecText, values: &[Option<&str>]) -> Application {
    let application = Application::new(tables).await;
    let kind = application.bind(spec.repaired()).await;
    let rows = application.rows(&kind).await;
    assert_eq!(rows.len(), 1);
    application.locate(&kind, &rows[0].0).await.unwrap();
    let plan = application.plan(&kind, &rows[0].0, values).await;
    assert!(matches!(plan.action, Action::Update { .. }), "{plan:?}");
    let outcomes = application.repair(&kind, &[order(1, &rows[0].0, plan)]).await;
    assert!(matches!(outcomes[0], RepairOutcome::Repaired { .. }), "{outcomes:?}");
    assert_eq!(application.compare(&kind, &rows[0].0, values).await, None, "the repaired row is in sync");
    application
}

#[tokio::test]
async fn a_uuid_key_is_bytes_on_chain() {
    let application = round_trip(
        "CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), amount numeric(12, 2)); INSERT INTO orders (amount) VALUES (1.5)",
        spec("orders").entry("{ bytes = \"uuid_send(id)\" }").compare("amount", "numeric"),
        &[Some("99.99")],
    )
    .await;
    assert_eq!(application.text("SELECT amount::text FROM orders").await.as_deref(), Some("99.99"));
}

#[tokio::test]
async fn a_composite_key_may_hold_quotes_emoji_and_what_looks_like_null() {
    let application = round_trip(
        r#"CREATE TABLE positions (pool text, wallet text, shares bigint NOT NULL, PRIMARY KEY (pool, wallet));
           INSERT INTO positions VALUES (E'a"b\\c, {''🦀''}\n', 'null', 5)"#,
        spec("positions")
            .key("[\"pool\", \"wallet\"]")
            .entry("[{ symbol = \"Position\" }, { string = \"wallet\" }, { string = \"pool\" }]")
            .compare("shares", "numeric"),
        &[Some("6")],
    )
    .await;
    let key = application.text("SELECT chain_key FROM trueup.repairs").await;
    assert_eq!(key.as_deref(), Some("[\"a\\\"b\\\\c, {'🦀'}\\n\", \"null\"]"));
}

#[tokio::test]
async fn names_may_need_quotes_and_schemas() {
    round_trip(
        r#"CREATE SCHEMA "My App";
           CREATE TABLE "My App"."Loans; --" ("select" int PRIMARY KEY, "Loan ""Status""" varchar(10), "from" int DEFAULT 1);
           INSERT INTO "My App"."Loans; --" VALUES (7, 'it''s')"#,
        spec(r#""My App"."Loans; --""#)
            .key("\"select\"")
            .top("where = '\"from\" = 1'")
            .entry("{ u32 = '\"select\" + 1' }")
            .value("status", "text")
            .field("Loan \"Status\"", "status", "")
            .table("[[condition]]\nname = \"it's\"\nholds = 'db.\"Loan \"\"Status\"\"\" is not null'"),
        &[Some("\\'\"")],
    )
    .await;
}

#[tokio::test]
async fn domains_and_case_insensitive_texts_are_taken_as_what_they_are() {
    round_trip(
        "CREATE EXTENSION citext;
         CREATE DOMAIN wallet AS text CHECK (value ~ '^G');
         CREATE DOMAIN amount AS numeric(10, 2) CHECK (value >= 0);
         CREATE TABLE users (wallet wallet PRIMARY KEY, email citext UNIQUE, amount amount NOT NULL);
         INSERT INTO users VALUES ('GABC', 'A@b.c', 1)",
        spec("users").key("\"wallet\"").entry("{ string = \"wallet\" }").compare("email", "text").compare("amount", "numeric"),
        &[Some("a@B.c"), Some("2.5")],
    )
    .await;
}

#[tokio::test]
async fn moments_without_a_zone_are_utc_also_when_they_are_written() {
    let application = round_trip(
        "CREATE TABLE loans (id int PRIMARY KEY, paid timestamp); INSERT INTO loans VALUES (1, NULL)",
        spec("loans").compare("paid", "timestamptz"),
        &[Some("2026-03-29T02:30:00Z")],
    )
    .await;
    assert_eq!(application.text("SELECT paid::text FROM loans").await.as_deref(), Some("2026-03-29 02:30:00"));
}

#[tokio::test]
async fn bytes_are_written_as_bytes_whichever_carrier_brought_them() {
    for (carrier, value) in [("text", "ab01"), ("bytea", "\\xab01")] {
        let tables = "CREATE TABLE it (id int PRIMARY KEY, hash bytea); INSERT INTO it VALUES (1, '\\x00')";
        let application = round_trip(tables, spec("it").compare("hash", carrier), &[Some(value)]).await;
        assert_eq!(application.text("SELECT encode(hash, 'hex') FROM it").await.as_deref(), Some("ab01"));
    }
}

#[tokio::test]
async fn a_part_of_a_json_column_is_repaired_and_the_rest_is_kept() {
    let application = round_trip(
        r#"CREATE TABLE users (id bigint PRIMARY KEY, meta jsonb NOT NULL); INSERT INTO users VALUES (1, '{"tier": "gold", "n": [1, null]}')"#,
        spec("users").value("tier", "text").field(
            "meta",
            "tier",
            "read = \"db.meta->>'tier'\"\nwrite = \"jsonb_set(db.meta, '{tier}', to_jsonb(chain.tier))\"",
        ),
        &[Some("it's \"silver\"")],
    )
    .await;
    assert_eq!(application.text("SELECT meta::text FROM users").await.as_deref(), Some(r#"{"n": [1, null], "tier": "it's \"silver\""}"#));
}

#[tokio::test]
async fn partitions_are_one_table() {
    round_trip(
        "CREATE TABLE it (id bigint PRIMARY KEY, v numeric) PARTITION BY RANGE (id);
         CREATE TABLE it1 PARTITION OF it FOR VALUES FROM (0) TO (10);
         CREATE TABLE it2 PARTITION OF it FOR VALUES FROM (10) TO (20);
         INSERT INTO it VALUES (15, 1)",
        spec("it").compare("v", "numeric"),
        &[Some("2")],
    )
    .await;
}

#[tokio::test]
async fn the_key_need_not_be_the_identity() {
    let application = round_trip(
        "CREATE TABLE it (id uuid PRIMARY KEY, loan_id bigint UNIQUE, v numeric);
         INSERT INTO it VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 4, 1)",
        spec("it").key("\"loan_id\"").entry("{ u64 = \"loan_id\" }").compare("v", "numeric"),
        &[Some("2")],
    )
    .await;
    let identity = application.text("SELECT identity FROM trueup.repairs").await;
    assert_eq!(identity.as_deref(), Some("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"));
}

#[tokio::test]
async fn an_empty_table_has_no_rows_and_no_errors() {
    let application = Application::new("CREATE TABLE it (id bigint PRIMARY KEY, v numeric)").await;
    let kind = application.bind(spec("it").compare("v", "numeric")).await;
    assert_eq!(application.rows(&kind).await, Vec::<RowIdentity>::new());
    assert!(kind.locate(&application.pools.read, &[]).await.unwrap().is_empty());
    assert!(kind.compare(&application.pools.read, &[]).await.unwrap().is_empty());
}
