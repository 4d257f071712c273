//! Tables that do not take what the chain says: each refusal stays with its row.

use crate::applications::support::values::{i128, string, structure, symbol, variant, vec};
use crate::applications::support::{Application, Snapshot, contract};
use stellar_xdr::ScVal;

const TABLES: &str = "
CREATE DOMAIN grade AS text CHECK (VALUE ~ '^[A-F]$');
CREATE TABLE owners (id int PRIMARY KEY);
CREATE TABLE goods (
    id int PRIMARY KEY,
    label text,
    code varchar(3),
    serial text UNIQUE,
    amount numeric(5,2) CHECK (amount >= 0),
    small smallint,
    grade grade,
    owner int REFERENCES owners,
    must text NOT NULL DEFAULT 'x',
    CHECK (label <> 'forbidden')
);
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.label = 'boom' THEN RAISE 'not on my watch'; END IF; RETURN NEW; END$$;
CREATE TRIGGER guard BEFORE UPDATE ON goods FOR EACH ROW EXECUTE FUNCTION guard();
INSERT INTO owners VALUES (1)";

const SPEC: &str = r#"
kind  = "good"
table = "goods"
key   = "id"

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = [{ symbol = "Good" }, { u32 = "id" }]
enumerate = { list = { entry = { symbol = "ALL" } } }

[values]
label  = { path = "label",  type = "text" }
code   = { path = "code",   type = "text" }
serial = { path = "serial", type = "text" }
amount = { path = "amount", type = "numeric", decimals = 2 }
small  = { path = "small",  type = "numeric" }
grade  = { path = "grade",  type = "text" }
owner  = { path = "owner",  type = "numeric" }
must   = { path = "must",   type = "text" }

[[field]]
column = "label"
value  = "label"

[[field]]
column = "code"
value  = "code"

[[field]]
column = "serial"
value  = "serial"

[[field]]
column = "amount"
value  = "amount"

[[field]]
column = "small"
value  = "small"

[[field]]
column = "grade"
value  = "grade"

[[field]]
column = "owner"
value  = "owner"

[[field]]
column = "must"
value  = "must"

[repair]
stale_value = "update"
missing_row = "insert"
"#;

/// A good as every table would take it, with some fields changed.
fn good(id: u32, changes: &[(&str, ScVal)]) -> ScVal {
    let mut fields = [
        ("label", string("fine")),
        ("code", string("abc")),
        ("serial", string(&format!("s{id}"))),
        ("amount", i128(150)),
        ("small", i128(7)),
        ("grade", symbol("A")),
        ("owner", ScVal::U32(1)),
        ("must", string("x")),
    ];
    for (name, value) in changes {
        let field = fields.iter_mut().find(|(field, _)| field == name).expect("a field");
        field.1 = value.clone();
    }
    structure(fields)
}

#[tokio::test]
async fn what_a_row_cannot_hold_is_refused_for_that_row_with_the_reason() {
    let shop = contract(11);
    let refused = [
        (1, "label", string("forbidden"), "violates check constraint"),
        (2, "code", string("too long"), "cannot hold `too long` exactly"),
        (3, "serial", string("taken"), "unique constraint"),
        (4, "amount", i128(-1), "violates check constraint"),
        (5, "amount", i128(100_000_000), "numeric field overflow"),
        (6, "small", i128(70_000), "out of range"),
        (7, "grade", symbol("Z"), "domain grade"),
        (8, "owner", ScVal::U32(9), "foreign key constraint"),
        (9, "must", ScVal::Void, "not-null"),
        (10, "label", string("boom"), "not on my watch"),
    ];
    let mut chain = Snapshot::default().instance(&shop).entry(&shop, symbol("ALL"), vec((1..=14).map(ScVal::U32)));
    for (id, field, value, _) in &refused {
        chain = chain.entry(&shop, variant("Good", [ScVal::U32(*id)]), good(*id, &[(field, value.clone())]));
    }
    for id in 11..=13 {
        chain = chain.entry(&shop, variant("Good", [ScVal::U32(id)]), good(id, &[]));
    }
    chain = chain.entry(&shop, variant("Good", [ScVal::U32(14)]), good(14, &[("owner", ScVal::U32(77))]));
    let application = Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &shop)).await;
    application
        .sql(
            "INSERT INTO goods SELECT n, 'fine', 'abc', 's' || n, 1.5, 7, 'A', 1, 'x' FROM generate_series(1, 12) AS n;
             INSERT INTO goods (id, serial) VALUES (99, 'taken');
             UPDATE goods SET amount = 2 WHERE id IN (11, 12)",
        )
        .await;
    application.check().await;
    let repaired = application.repair().await.expect(3).json();
    assert_eq!(repaired["kinds"]["good"]["repairs"], serde_json::json!({ "repaired": 3, "refused": refused.len() + 1 }));
    let drifts = repaired["drifts"].as_array().expect("drifts");
    for (id, field, _, why) in &refused {
        let identity = id.to_string();
        let drift = drifts.iter().find(|drift| drift["identity"] == identity.as_str()).unwrap_or_else(|| panic!("row {id}"));
        assert_eq!((drift["field"].as_str(), drift["repair"].as_str()), (Some(*field), Some("refused")), "{drift}");
        assert!(drift["detail"].as_str().expect("why").contains(why), "{drift}");
    }
    let inserted = drifts.iter().find(|drift| drift["chain_key"] == "14").expect("the row of an owner who is not there");
    assert!(inserted["detail"].as_str().expect("why").contains("foreign key"), "{inserted}");
    let mended = application.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM goods WHERE amount = 1.5 AND id > 10").await;
    assert_eq!(mended, "11 12 13");
}

#[tokio::test]
async fn a_swap_of_unique_values_is_repaired_or_refused_and_never_half() {
    let shop = contract(11);
    let key = |id| variant("Good", [ScVal::U32(id)]);
    let chain = Snapshot::default()
        .instance(&shop)
        .entry(&shop, symbol("ALL"), vec([]))
        .entry(&shop, key(1), good(1, &[("serial", string("b")), ("label", string("one"))]))
        .entry(&shop, key(2), good(2, &[("serial", string("a")), ("label", string("two"))]));
    let application = Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &shop)).await;
    application.sql("INSERT INTO goods VALUES (1, 'fine', 'abc', 'a', 1.5, 7, 'A', 1), (2, 'fine', 'abc', 'b', 1.5, 7, 'A', 1)").await;
    application.repair().await;
    let rows = application.value("SELECT string_agg(concat_ws(' ', label, serial), ', ' ORDER BY id) FROM goods").await;
    assert!(["fine a, fine b", "one b, two a"].contains(&rows.as_str()), "{rows}");
}
