//! A contract that does not say which keys exist, each time in another way: the rows that are there are judged, what is
//! missing is not looked for, and the report says why.

use crate::applications::support::values::{i128, map, structure, symbol, u128, variant, vec};
use crate::applications::support::{Application, Snapshot, contract};
use serde_json::{Value, json};
use stellar_xdr::ScVal;

const TABLE: &str = "CREATE TABLE things (id bigint PRIMARY KEY, amount numeric NOT NULL);
CREATE TABLE parts (thing bigint, part bigint, amount numeric NOT NULL, PRIMARY KEY (thing, part))";

const THING: &str = r#"
kind  = "KIND"
table = "things"
key   = "id"

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = [{ symbol = "Thing" }, { u64 = "id" }]
enumerate = ENUMERATE

[values]
amount = { path = "", type = "numeric" }

[[field]]
column = "amount"
value  = "amount"

[repair]
missing_row = "insert"
"#;

const PART: &str = r#"
kind  = "KIND"
table = "parts"
key   = ["thing", "part"]

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = [{ symbol = "Parts" }, { u64 = "thing" }]
element   = { of = "", index = "part", first = 1 }
enumerate = ENUMERATE

[values]
amount = { path = "", type = "numeric" }

[[field]]
column = "amount"
value  = "amount"

[repair]
missing_row = "insert"
"#;

/// Thing 1 is 5, thing 2 is 6; the first has parts of 2 and 3. What counts or lists them is all wrong, but `Known`.
fn chain() -> Snapshot {
    let shop = contract(7);
    let thing = |id: u64| variant("Thing", [ScVal::U64(id)]);
    Snapshot::default()
        .instance(&shop)
        .entry(&shop, thing(1), i128(5))
        .entry(&shop, thing(2), i128(6))
        .entry(&shop, variant("Parts", [ScVal::U64(1)]), vec([i128(2), i128(3)]))
        .entry(&shop, symbol("Word"), symbol("many"))
        .entry(&shop, symbol("Huge"), u128(u128::MAX))
        .entry(&shop, symbol("Tally"), structure([("made", ScVal::U32(2)), ("list", ScVal::U32(2))]))
        .entry(&shop, symbol("Odd"), vec([ScVal::U64(1), map([])]))
        .entry(&shop, symbol("None"), vec([]))
        .entry(&shop, symbol("Known"), vec([ScVal::U64(1), ScVal::U64(2)]))
}

/// A deployment with a row for thing 1 and one for its first part, and those kinds: a name, and how it enumerates.
async fn shop(spec: &str, kinds: &[(&str, &str)]) -> Application {
    let of_kind =
        |(kind, enumerate): &(&str, &str)| spec.replace("KIND", kind).replace("CONTRACT", &contract(7)).replace("ENUMERATE", enumerate);
    let application = Application::new(TABLE, &chain(), &of_kind(&kinds[0])).await;
    for (index, kind) in kinds.iter().enumerate().skip(1) {
        application.spec(&format!("kind_{index}.toml"), &of_kind(kind));
    }
    application.sql("INSERT INTO things VALUES (1, 5); INSERT INTO parts VALUES (1, 1, 2)").await;
    application
}

/// The notes of a run in which nothing is drift, and each row that is there is in sync.
async fn notes(application: &Application, kinds: &[(&str, &str)]) -> Vec<String> {
    let detected = application.detect().await;
    assert_eq!(detected.drifts(), [""; 0], "nothing is guessed");
    for (kind, _) in kinds {
        assert_eq!(detected.verdict(kind, "in_sync"), 1, "{kind}");
    }
    let mut notes: Vec<String> = serde_json::from_value(detected.json()["notes"].clone()).expect("notes");
    notes.sort();
    notes
}

fn not_looked_for(whys: &[(&str, &str)]) -> Vec<String> {
    whys.iter().map(|(kind, why)| format!("{kind}: rows that are missing were not looked for: {why}")).collect()
}

#[tokio::test]
async fn a_counter_that_cannot_be_read_is_told_and_counts_nothing() {
    let kinds = [
        ("absent", r#"{ counter = { entry = { symbol = "Nowhere" }, first = 1, holds = "last" } }"#),
        ("huge", r#"{ counter = { entry = { symbol = "Huge" }, first = 1, holds = "last" } }"#),
        ("not_there_yet", r#"{ counter = { entry = { symbol = "Tally" }, path = "sold", first = 1, holds = "last" } }"#),
        ("word", r#"{ counter = { entry = { symbol = "Word" }, first = 1, holds = "last" } }"#),
    ];
    let application = shop(THING, &kinds).await;
    let expected = not_looked_for(&[
        ("absent", "the entry that holds the counter is not on chain"),
        ("huge", "the counter holds 340282366920938463463374607431768211455, which is no sensible count"),
        ("word", "the counter does not decode: "),
    ]);
    let notes = notes(&application, &kinds).await;
    assert_eq!(notes[..2], expected[..2]);
    assert!(notes.len() == 3 && notes[2].starts_with(&expected[2]) && notes[2].contains("symbol"), "{notes:?}");
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_told_and_lists_nothing() {
    let kinds = [
        ("absent", r#"{ list = { entry = { symbol = "Nowhere" } } }"#),
        ("elsewhere", r#"{ list = { entry = { symbol = "Tally" }, path = "all" } }"#),
        ("empty", r#"{ list = { entry = { symbol = "None" } } }"#),
        ("number", r#"{ list = { entry = { symbol = "Tally" }, path = "list" } }"#),
        ("odd", r#"{ list = { entry = { symbol = "Odd" } } }"#),
    ];
    let application = shop(THING, &kinds).await;
    let expected = not_looked_for(&[
        ("absent", "the entry that lists the keys is not on chain"),
        ("elsewhere", "there is nothing at `all` in the entry that lists the keys"),
        ("number", "what lists the keys is not a list but U32"),
        ("odd", "a listed key does not decode: "),
    ]);
    let notes = notes(&application, &kinds).await;
    assert_eq!(notes[..3], expected[..3]);
    assert!(notes.len() == 4 && notes[3].starts_with(&expected[3]), "one odd key, and none of the list is used: {notes:?}");
}

#[tokio::test]
async fn parents_that_cannot_be_known_are_told() {
    let kinds = [
        ("counted", r#"{ counter = { entry = { symbol = "Nowhere" }, first = 1, holds = "last" } }"#),
        ("empty", r#"{ list = { entry = { symbol = "None" } } }"#),
        ("listed", r#"{ list = { entry = { symbol = "Nowhere" } } }"#),
        ("none_yet", r#"{ counter = { entry = { symbol = "Tally" }, path = "sold", first = 1, holds = "last" } }"#),
    ];
    let application = shop(PART, &kinds).await;
    let expected = not_looked_for(&[
        ("counted", "the entry that holds the counter is not on chain"),
        ("listed", "the entry that lists the keys is not on chain"),
    ]);
    assert_eq!(notes(&application, &kinds).await, expected);
}

#[tokio::test]
async fn what_a_counter_of_an_entry_and_a_list_of_parents_say_is_looked_for() {
    let made = ("thing", r#"{ counter = { entry = { symbol = "Tally" }, path = "made", first = 1, holds = "last" } }"#);
    let things = shop(THING, &[made]).await;
    things.mends(&["thing 2 missing_row: ∅ → 2"]).await;
    let listed = ("part", r#"{ list = { entry = { symbol = "Known" } } }"#);
    let parts = shop(PART, &[listed]).await;
    parts.mends(&[r#"part ["1", "2"] missing_row: ∅ → ["1", "2"]"#]).await;
    let checked = parts.trueup(&["check", "--json"]).await.expect(0).json();
    let sample = &checked["kinds"][0]["sample"];
    assert_eq!((&sample["verdict"], &sample["differences"]), (&json!("in_sync"), &json!([])), "{sample}");
    assert_eq!(sample["chain"], json!({ "amount": "2" }), "an element of its entry");
    assert_eq!(checked["kinds"][0]["contract"], json!({ "id": contract(7), "exists": true }));
    assert_eq!(checked["sound"], Value::Bool(true));
}

#[tokio::test]
async fn keys_of_a_query_are_looked_for_chunk_by_chunk_and_parents_that_make_no_key_are_counted() {
    let things = shop(THING, &[("thing", r#"{ sql = "select n from generate_series(1, 5) as n" }"#)]).await;
    let detected = things.configured("[worker]\njobs_per_chunk = 2\n", &["run", "--json"]).await.expect(3);
    assert_eq!(detected.drifts(), ["thing 2 missing_row: ∅ → 2"]);
    assert_eq!(detected.json()["kinds"]["thing"]["entities"], 5, "the row, and each key that no row has");
    let parts = shop(PART, &[("part", r#"{ sql = "select n from (values (1), (-1)) as t (n)" }"#)]).await;
    let detected = parts.detect().await;
    assert_eq!(detected.drifts(), [r#"part ["1", "2"] missing_row: ∅ → ["1", "2"]"#]);
    let note = detected.json()["notes"][0].as_str().expect("a note").to_owned();
    let below = "part: rows that are missing below 1 of the entries were not looked for; the first of these: -1: ";
    assert!(note.starts_with(below) && note.len() > below.len(), "{note}");
}
