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
async fn a_row_that_does_not_tell_when_it_changed_has_no_grace() {
    let application = quotes("CREATE TABLE quotes (id int PRIMARY KEY, price int)", str::to_owned).await;
    application.sql("INSERT INTO quotes VALUES (1, 4), (2, 6)").await;
    application.mends(&["quote 1 stale_value price: 4 → 5"]).await;

    let changed = |spec: &str| spec.replace("key   = \"id\"", "key   = \"id\"\nchanged = \"updated_at\"\nsettle = { grace = \"1 hour\" }");
    let application = quotes("CREATE TABLE quotes (id int PRIMARY KEY, price int, updated_at timestamptz)", changed).await;
    application.sql("INSERT INTO quotes VALUES (1, 4, NULL), (2, 6, now())").await;
    application.mends(&["quote 1 stale_value price: 4 → 5"]).await;
}

const URGENT: &str = r#"
[[condition]]
name = "a low one"
holds = "db.price < 100"
priority = "low"

[[condition]]
name = "a high one"
holds = "db.price < 200"
priority = "high"

[[condition]]
name = "the most urgent one"
holds = "db.price < 300"
priority = "critical"
"#;

#[tokio::test]
async fn a_report_shows_the_most_urgent_differences_first_and_only_those_of_a_priority_if_asked() {
    let tables = "CREATE TABLE quotes (id int PRIMARY KEY, price int)";
    let application = quotes(tables, |spec| spec.replace("[repair]", &format!("{URGENT}\n[repair]"))).await;
    application.sql("INSERT INTO quotes VALUES (1, 400), (2, 6)").await;
    application.detect().await.expect(3);
    let wanted = ["the most urgent one", "a high one", "stale_value", "a low one"];
    let shown = async |arguments: &[&str]| -> Vec<String> {
        let text = application.trueup(&[&["report"], arguments].concat()).await.expect(3).out;
        let lines = text.lines().filter(|line| line.contains("quote") && line.contains("400"));
        lines.filter_map(|line| wanted.iter().find(|name| line.contains(**name)).map(|name| (*name).to_owned())).collect()
    };
    assert_eq!(shown(&[]).await, wanted);
    assert_eq!(shown(&["--priority", "low"]).await, wanted);
    assert_eq!(shown(&["--priority", "normal"]).await, wanted[..3]);
    assert_eq!(shown(&["--priority", "high"]).await, wanted[..2]);
    assert_eq!(shown(&["--priority", "critical"]).await, wanted[..1]);

    let as_json = application.trueup(&["report", "--json", "--priority", "high"]).await.expect(3);
    let fields: Vec<String> =
        as_json.json()["drifts"].as_array().expect("a list").iter().map(|it| it["field"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(fields, ["a high one", "the most urgent one"], "in the documented order");
    assert_eq!(
        as_json.json()["kinds"]["quote"]["drifts"],
        serde_json::json!({ "condition_violated": 3, "stale_value": 1 }),
        "all are counted"
    );

    application.sql("UPDATE quotes SET price = 150 WHERE id = 1").await;
    application.detect().await.expect(3);
    let none = application.trueup(&["report", "--priority", "high"]).await.expect(3).out;
    assert!(none.contains("No difference has priority high or above."), "{none}");
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
