//! Rows that wait for their key, beside the events that could be theirs.

use chrono::Utc;
use serde_json::{Value, json};
use trueup_database::events::{StoredEvent, store};
use trueup_database::{CreationEventSeen, Kind, Waiting};
use trueup_judge::RowIdentity;

use crate::application::{Application, CONTRACT};
use crate::spec_text::{SpecText, spec};

/// A kind whose rows wait where `made_up` holds, for keys in `key` columns.
fn waiting(event: &str) -> SpecText {
    spec("things").value("v", "numeric").field("v", "v", "").table(&format!(
        "[provisional]\nwhen = \"made_up\"\ntransaction = \"hash\"\nevent = {{ topics = [\"MADE\"{event}, at = \"at\", within = \"1 minute\" }}\n[repair]\nprovisional_id = \"resolve\""
    ))
}

fn event(id: &str, topics: &[Value], data: Value) -> StoredEvent {
    let mut all = vec![json!("MADE")];
    all.extend(topics.iter().cloned());
    StoredEvent {
        id: id.to_owned(),
        ledger: 10,
        closed_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        contract: CONTRACT.to_owned(),
        transaction: "ab".repeat(32),
        successful: true,
        name: Some("MADE".to_owned()),
        topics: Value::Array(all),
        data: Some(data),
        topics_xdr: Vec::new(),
        data_xdr: String::new(),
        unreadable: None,
    }
}

async fn list(application: &Application, kind: &Kind) -> Result<Vec<Waiting>, String> {
    kind.waiting(&application.pools.read, Utc::now()).await.unwrap()
}

/// `row: candidate, …` of each row that waits.
async fn candidates(application: &Application, kind: &Kind) -> String {
    let rows = list(application, kind).await.unwrap();
    let shown = rows.iter().map(|it| {
        let keys: Vec<&str> = it.candidates.iter().map(|candidate| candidate.key.0.as_str()).collect();
        format!("{}: {}", it.row, keys.join(", "))
    });
    shown.collect::<Vec<_>>().join("; ")
}

async fn feed(application: &Application, events: &[StoredEvent]) {
    let mut conn = application.pools.write.acquire().await.unwrap();
    store(&mut conn, events).await.unwrap();
}

const TABLE: &str = "CREATE TABLE things (row int PRIMARY KEY, id text UNIQUE, v numeric, made_up bool, hash text, at timestamptz";

#[tokio::test]
async fn a_column_of_each_type_agrees_with_what_the_chain_says_and_with_nothing_else() {
    for (column, same, other, value, decimals) in [
        ("numeric(20, 7)", "1.5", "1.5000001", json!("15000000"), ", decimals = 7"),
        ("numeric", "340282366920938463463374607431768211455", "0", json!("340282366920938463463374607431768211455"), ""),
        ("bigint", "15", "16", json!("15"), ""),
        ("double precision", "0.1", "0.2", json!("1"), ", decimals = 1"),
        ("text", "1.50", "x", json!("15"), ", decimals = 1"),
        ("text", "GABC", "gabc", json!("GABC"), ""),
        ("bool", "true", "false", json!(true), ""),
        ("bytea", "\\x00ff", "\\x00fe", json!("00ff"), ""),
        (
            "uuid",
            "00112233-4455-6677-8899-aabbccddeeff",
            "00112233-4455-6677-8899-aabbccddee00",
            json!("00112233445566778899aabbccddeeff"),
            "",
        ),
        ("timestamptz", "2026-01-01 00:00:00.7+00", "2026-01-01 00:00:01+00", json!("1767225600"), ""),
    ] {
        let application = Application::new(&format!(
            "{TABLE}, m {column}); INSERT INTO things VALUES (1, 'a', 0, true, NULL, '2026-01-01 00:00:10+00', '{same}'),
             (2, 'b', 0, true, NULL, '2026-01-01 00:00:10+00', '{other}'), (3, 'c', 0, true, NULL, '2026-01-01 00:00:10+00', NULL),
             (4, 'd', 0, true, NULL, '2026-01-01 00:02:00+00', '{same}'), (5, 'e', 0, false, NULL, '2026-01-01 00:00:10+00', '{same}')"
        ))
        .await;
        let kind = application.bind(waiting(&format!("], id = \"data[0]\", match = {{ m = {{ path = \"data[1]\"{decimals} }} }}"))).await;
        feed(&application, &[event("1", &[], json!(["7", value]))]).await;
        assert_eq!(candidates(&application, &kind).await, "1: 7; 2: ; 3: ; 4: ", "{column}");
    }
}

#[tokio::test]
async fn topics_are_columns_or_symbols_and_a_key_may_have_several_places() {
    let application = Application::new(
        "CREATE TABLE things (pool uuid, id bigint, wallet text, v numeric, made_up bool, hash text, at timestamptz, PRIMARY KEY (pool, id));
         INSERT INTO things VALUES ('00112233-4455-6677-8899-aabbccddeeff', -1, 'G1', 0, true, NULL, '2026-01-01 00:00:00+00'),
                                   ('00112233-4455-6677-8899-aabbccddeeff', 9, 'G2', 0, false, NULL, NULL)",
    )
    .await;
    let kind = application
        .bind(
            waiting(", \"wallet\", { symbol = \"NEW\" }], id = [\"topics[3]\", \"data\"]")
                .key("[\"pool\", \"id\"]")
                .entry("[{ u64 = \"id\" }]"),
        )
        .await;
    let of = |id: &str, wallet: &str, symbol: &str, pool: &str, key: Value| event(id, &[json!(wallet), json!(symbol), json!(pool)], key);
    let pool = "00112233445566778899aabbccddeeff";
    feed(
        &application,
        &[
            of("1", "G1", "NEW", pool, json!("7")),
            of("2", "G1", "OLD", pool, json!("8")),
            of("3", "G2", "NEW", pool, json!("8")),
            of("4", "G1", "NEW", "nonsense", json!("8")),
            of("5", "G1", "NEW", pool, json!("99999999999999999999")),
            of("6", "G1", "NEW", pool, json!("9")),
        ],
    )
    .await;
    let row = "[\"00112233-4455-6677-8899-aabbccddeeff\", \"-1\"]";
    let key = "[\"00112233-4455-6677-8899-aabbccddeeff\", \"7\"]";
    assert_eq!(candidates(&application, &kind).await, format!("{row}: {key}"), "9 is another row's");

    let seen = |topics: Value, data: Value| CreationEventSeen { row: RowIdentity(row.to_owned()), topics, data };
    let events = [seen(json!(["MADE", "G1", "NEW", pool]), json!("7")), seen(json!(["MADE", "GX", "NEW", pool]), json!("8"))];
    let keys = kind.creation_keys(&application.pools.read, &events).await.unwrap();
    let keys: Vec<_> = keys.into_iter().map(|(_, key)| key.map(|key| (key.key().map(|it| it.0), key.agrees)).unwrap()).collect();
    assert_eq!(keys, [(Some(key.to_owned()), true), (Some(key.replace("\"7\"", "\"8\"")), false)]);
    let texts = [vec![pool.to_owned(), "7".to_owned()], vec!["x".to_owned(), "7".to_owned()]];
    let keys = kind.canonical_keys(&application.pools.read, &texts).await.unwrap();
    assert_eq!(keys.into_iter().map(|key| key.map(|it| it.0)).collect::<Vec<_>>(), [Some(key.to_owned()), None]);
}

#[tokio::test]
async fn stored_events_of_the_rows_own_transaction_come_whenever_they_happened() {
    let hash = "AB".repeat(32);
    let application = Application::new(&format!(
        "{TABLE}, m int); INSERT INTO things VALUES (1, 'a', 0, true, '0x{hash}', '2025-01-01 00:00:00+00', 5), (2, 'b', 0, true, NULL, NULL, 5)"
    ))
    .await;
    let kind = application.bind(waiting("], id = \"data[0]\", match = { m = \"data[1]\" }")).await;
    feed(&application, &[event("1", &[], json!(["7", "5"])), event("2", &[], json!(["8", "6"]))]).await;
    let rows = list(&application, &kind).await.unwrap();
    let mut named: Vec<(&str, bool)> = rows[0].of_transaction.iter().map(|(key, agrees)| (key.0.as_str(), *agrees)).collect();
    named.sort_unstable();
    assert_eq!((named, rows[0].candidates.len(), rows[1].of_transaction.len()), (vec![("7", true), ("8", false)], 0, 0));
}

#[tokio::test]
async fn events_are_complete_where_the_cursor_covers_the_window_and_no_hole_and_nothing_unreadable_is_in_it() {
    let application =
        Application::new(&format!("{TABLE}); INSERT INTO things VALUES (1, 'a', 0, true, NULL, '2026-01-01 00:00:00+00')")).await;
    let kind = application.bind(waiting("], id = \"data[0]\"")).await;
    let complete = async || list(&application, &kind).await.unwrap()[0].is_complete;
    assert!(!complete().await, "nothing was ever read");
    let cursor = |from: &str, until: &str, next: i64, updated: &str| {
        format!(
            "DELETE FROM trueup.event_holes; DELETE FROM trueup.event_cursors;
             INSERT INTO trueup.event_cursors (contract, from_ledger, next_ledger, from_time, until_time, tip_ledger, updated_at)
             VALUES ('{CONTRACT}', 5, {next}, {from}, {until}, 20, {updated})"
        )
    };
    let (early, late) = ("'2025-12-31 23:59:00+00'", "'2026-01-01 00:01:00+00'");
    for (what, from, until, next, updated, expected) in [
        ("the whole window", early, late, 15, "'2026-01-01'", true),
        ("not its beginning", "'2025-12-31 23:59:01+00'", late, 15, "now()", false),
        ("nobody knows its beginning", "NULL", late, 15, "now()", false),
        ("not its end", early, "'2026-01-01 00:00:59+00'", 15, "now()", false),
        ("up to the tip of this moment", early, "NULL", 21, "now() + interval '1 minute'", true),
        ("up to the tip of an earlier moment", early, "NULL", 21, "now() - interval '1 minute'", false),
        ("not up to the tip", early, "NULL", 20, "now() + interval '1 minute'", false),
    ] {
        application.run(&cursor(from, until, next, updated)).await;
        assert_eq!(complete().await, expected, "{what}");
    }
    application.run(&cursor(early, late, 15, "now()")).await;
    for (what, after, before, filled, expected) in [
        ("in the window", "'2025-12-31 23:59:30+00'", "'2026-01-01 00:00:30+00'", "NULL", false),
        ("nobody knows where", "NULL", "NULL", "NULL", false),
        ("before it", "NULL", early, "NULL", true),
        ("after it", late, "NULL", "NULL", true),
        ("filled", "NULL", "NULL", "now()", true),
    ] {
        application
            .run(&format!(
                "DELETE FROM trueup.event_holes; INSERT INTO trueup.event_holes (contract, first_ledger, last_ledger, reason, after_time, before_time, filled_at)
                 VALUES ('{CONTRACT}', 6, 7, 'pruned', {after}, {before}, {filled})"
            ))
            .await;
        assert_eq!(complete().await, expected, "a hole {what}");
    }
    let unreadable = StoredEvent { data: None, unreadable: Some("data".to_owned()), ..event("1", &[], json!(null)) };
    feed(&application, &[unreadable]).await;
    assert!(!complete().await, "an event that nobody can read could be the row's");
}

#[tokio::test]
async fn a_row_that_cannot_be_evaluated_lets_nothing_be_matched_and_says_why() {
    let application = Application::new(&format!("{TABLE}); INSERT INTO things VALUES (1, 'a', 0, true, NULL, NULL)")).await;
    let text = waiting("], id = \"data[0]\"").to_string().replace("when = \"made_up\"", "when = \"id::int > 0\"");
    let kind = application.bind(text).await;
    assert_eq!(list(&application, &kind).await, Err("invalid input syntax for type integer: \"a\"".to_owned()));
}

#[tokio::test]
async fn a_row_whose_creation_is_over_waits_for_nothing_until_it_names_another_transaction() {
    let hash = "ab".repeat(32);
    let application = Application::new(&format!("{TABLE}); INSERT INTO things VALUES (1, 'a', 0, true, '{hash}', NULL)")).await;
    let kind = application.bind(waiting("], id = \"data[0]\"")).await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    let waits = async |conn: &mut sqlx::PgConnection| {
        (kind.has_provisional_rows(conn).await.unwrap(), list(&application, &kind).await.unwrap().len())
    };
    assert_eq!(waits(&mut conn).await, (true, 1));
    let rows = [(&RowIdentity("1".to_owned()), hash.as_str())];
    trueup_database::runs::remember_over(&mut conn, &kind.spec().kind, &rows).await.unwrap();
    assert_eq!(waits(&mut conn).await, (false, 0));
    application.run(&format!("UPDATE things SET hash = '{}'", "cd".repeat(32))).await;
    assert_eq!(waits(&mut conn).await, (true, 1));
}
