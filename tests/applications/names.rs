//! Keys with quotes, emoji and everything else that text can be; string keys on chain.

use crate::applications::support::values::{bytes, string, structure, variant, vec};
use crate::applications::support::{Application, Snapshot, contract};
use stellar_xdr::ScVal;

const SPEC: &str = r#"
kind  = "name"
table = "names"
key   = "name"

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = [{ symbol = "Name" }, { string = "name" }]
enumerate = { list = { entry = { symbol = "ALL" } } }

[values]
motto = { path = "motto", type = "text" }
seal  = { path = "seal",  type = "text" }

[[field]]
column = "motto"
value  = "motto"

[[field]]
column = "seal"
value  = "seal"

[repair]
stale_value = "update"
missing_row = "insert"
"#;

const NAMES: [&str; 9] =
    ["it's \"quoted\"", "🦀 crab", "", " ", "a\\b", "tab\there", "[\"not\",\"a list\"]", "'; DROP TABLE names; --", "Ω≈ç√∫ ümlaut"];

#[tokio::test]
async fn keys_are_any_text() {
    let registry = contract(10);
    let mut chain = Snapshot::default().instance(&registry).entry(
        &registry,
        crate::applications::support::values::symbol("ALL"),
        vec(NAMES.map(string)),
    );
    for name in NAMES {
        let value = structure([("motto", string(&format!("{name}!"))), ("seal", bytes(b"\x00\xff"))]);
        chain = chain.entry(&registry, variant("Name", [string(name)]), value);
    }
    let tables = "CREATE TABLE names (name text PRIMARY KEY, motto text, seal text)";
    let application = Application::new(tables, &chain, &SPEC.replace("CONTRACT", &registry)).await;
    for name in &NAMES[..5] {
        sqlx::query("INSERT INTO names VALUES ($1, $1, '00ff')").bind(name).execute(application.pool()).await.expect("a row");
    }
    let mut found: Vec<String> = NAMES[..5].iter().map(|name| format!("name {name} stale_value motto: {name} → {name}!")).collect();
    found.extend(NAMES[5..].iter().map(|name| format!("name {name} missing_row: ∅ → {name}")));
    found.sort();
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    application.mends(&found).await;
    assert_eq!(application.value("SELECT count(*) FROM names WHERE motto = name || '!'").await, NAMES.len().to_string());
    let table = application.trueup(&["report", "2"]).await.expect(0).out;
    assert!(table.contains("tab\\there") && !table.contains('\t'), "{table}");
}

#[tokio::test]
async fn a_string_that_is_no_text_is_unknown() {
    let registry = contract(10);
    let broken = ScVal::String(stellar_xdr::ScString(vec![0xff, 0xfe].try_into().expect("short")));
    let chain = Snapshot::default().instance(&registry).entry(
        &registry,
        variant("Name", [string("a")]),
        structure([("motto", broken), ("seal", bytes(b""))]),
    );
    let tables = "CREATE TABLE names (name text PRIMARY KEY, motto text, seal text)";
    let application = Application::new(tables, &chain, &SPEC.replace("CONTRACT", &registry)).await;
    application.sql("INSERT INTO names VALUES ('a', 'b', 'c')").await;
    let repaired = application.repair().await.expect(4);
    assert_eq!(repaired.json()["kinds"]["name"]["not_judged"], serde_json::json!({ "unknown:undecodable": 1 }));
}
