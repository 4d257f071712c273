//! Entries that may not be there: temporary ones, missing instances, views, generated columns, triggers.

use crate::applications::support::values::{i128, structure, variant};
use crate::applications::support::{Application, Snapshot, contract};
use stellar_xdr::ScVal;

const QUOTE: &str = r#"
kind  = "quote"
table = "quotes"
key   = "id"

[chain]
source     = "soroban"
contract   = "CONTRACT"
durability = "temporary"
entry      = [{ symbol = "Quote" }, { u32 = "id" }]

[values]
price = { path = "price", type = "numeric" }

[[field]]
column = "price"
value  = "price"

[repair]
stale_value = "update"
"#;

fn quote(id: u32) -> ScVal {
    variant("Quote", [ScVal::U32(id)])
}

fn price(price: i128) -> ScVal {
    structure([("price", i128(price))])
}

#[tokio::test]
async fn that_a_temporary_entry_is_absent_means_nothing() {
    let quotes = contract(9);
    let chain = Snapshot::default().instance(&quotes).temporary(&quotes, quote(1), price(5)).entry(&quotes, quote(2), price(6));
    let application =
        Application::new("CREATE TABLE quotes (id int PRIMARY KEY, price int)", &chain, &QUOTE.replace("CONTRACT", &quotes)).await;
    application.sql("INSERT INTO quotes VALUES (1, 4), (2, 6)").await;
    let repaired = application.repair().await.expect(4);
    assert_eq!(repaired.drifts(), ["quote 1 stale_value price: 4 → 5"]);
    assert_eq!(repaired.json()["kinds"]["quote"]["not_judged"], serde_json::json!({ "unknown:temporary_absent": 1 }));
}

#[tokio::test]
async fn without_the_contracts_instance_an_absent_entry_is_unknown() {
    let quotes = contract(9);
    let chain = Snapshot::default().entry(&quotes, quote(1), price(5));
    let spec = QUOTE.replace("CONTRACT", &quotes).replace("\"temporary\"", "\"persistent\"");
    let application = Application::new("CREATE TABLE quotes (id int PRIMARY KEY, price int)", &chain, &spec).await;
    application.sql("INSERT INTO quotes VALUES (1, 5), (2, 6)").await;
    let checked = application.trueup(&["check"]).await.expect(1);
    assert!(checked.out.contains(&format!("contract {quotes} is not on this network")), "{}", checked.out);
    let repaired = application.repair().await.expect(4);
    assert_eq!(repaired.json()["kinds"]["quote"]["not_judged"], serde_json::json!({ "unknown:no_instance": 1 }));
    assert_eq!(application.value("SELECT count(*) FROM trueup.repairs").await, "0");
}

async fn quotes(tables: &str, spec: impl Fn(&str) -> String) -> Application {
    let quotes = contract(9);
    let chain = Snapshot::default().instance(&quotes).entry(&quotes, quote(1), price(5)).entry(&quotes, quote(2), price(6));
    let spec = spec(&QUOTE.replace("CONTRACT", &quotes).replace("\"temporary\"", "\"persistent\""));
    Application::new(tables, &chain, &spec).await
}

#[tokio::test]
async fn what_is_found_on_a_view_is_reported_and_not_repaired() {
    let tables = "CREATE TABLE raw (id int PRIMARY KEY, cents int); CREATE VIEW quotes AS SELECT id, cents AS price FROM raw";
    let application = quotes(tables, str::to_owned).await;
    application.sql("INSERT INTO raw VALUES (1, 5), (2, 7)").await;
    let drift = "quote 2 stale_value price: 7 → 6 (not_writable)";
    application.mends_but(&[drift], &[drift]).await;
}

#[tokio::test]
async fn a_partitioned_table_is_a_table() {
    let tables = "CREATE TABLE quotes (id int PRIMARY KEY, price int) PARTITION BY RANGE (id);
        CREATE TABLE quotes_low PARTITION OF quotes FOR VALUES FROM (0) TO (2);
        CREATE TABLE quotes_high PARTITION OF quotes FOR VALUES FROM (2) TO (100)";
    let application = quotes(tables, str::to_owned).await;
    application.sql("INSERT INTO quotes VALUES (1, 4), (2, 7)").await;
    application.mends(&["quote 1 stale_value price: 4 → 5", "quote 2 stale_value price: 7 → 6"]).await;
}

#[tokio::test]
async fn a_generated_column_is_compared_and_never_written() {
    let tables = "CREATE TABLE quotes (id int PRIMARY KEY, cents int, price int GENERATED ALWAYS AS (cents / 100) STORED)";
    let application = quotes(tables, str::to_owned).await;
    application.sql("INSERT INTO quotes VALUES (1, 500), (2, 700)").await;
    let drift = "quote 2 stale_value price: 7 → 6 (not_writable)";
    application.mends_but(&[drift], &[drift]).await;
}

#[tokio::test]
async fn what_a_trigger_makes_of_a_repair_is_reported() {
    let tables = "CREATE TABLE quotes (id int PRIMARY KEY, price int);
        CREATE FUNCTION dearer() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.price := NEW.price + 1; RETURN NEW; END';
        CREATE TRIGGER dearer BEFORE UPDATE ON quotes FOR EACH ROW EXECUTE FUNCTION dearer()";
    let application = quotes(tables, str::to_owned).await;
    application.sql("INSERT INTO quotes VALUES (1, 5), (2, 9)").await;
    let repaired = application.repair().await.expect(3);
    assert_eq!(repaired.json()["kinds"]["quote"]["repairs"], serde_json::json!({ "altered": 1 }));
    let shown = application.trueup(&["repairs", "show", "1"]).await.expect(0).out;
    assert!(shown.contains("altered"), "{shown}");
}

#[tokio::test]
async fn a_reverted_repair_is_held_until_it_is_released() {
    let application = quotes("CREATE TABLE quotes (id int PRIMARY KEY, price int)", str::to_owned).await;
    application.sql("INSERT INTO quotes VALUES (1, 5), (2, 9)").await;
    application.repair().await.expect(0);
    application.trueup(&["repairs", "revert", "1", "--actor", "ann", "--reason", "not yet"]).await.expect(0);
    assert_eq!(application.value("SELECT price FROM quotes WHERE id = 2").await, "9");
    assert_eq!(application.repair().await.expect(3).drifts(), ["quote 2 stale_value price: 9 → 6 (held)"]);
    application.trueup(&["repairs", "revert", "1"]).await.refused(&["repair 1 cannot be undone"]);
    application.trueup(&["repairs", "release", "1"]).await.expect(0);
    application.repair().await.expect(0);
    assert_eq!(application.value("SELECT price FROM quotes WHERE id = 2").await, "6");
}
