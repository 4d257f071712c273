//! Stored events: cursors that move only over what was stored, holes that are known, keys that events name.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use trueup_database::events::{
    self, Coverage, HoleReason, Moved, StoredEvent, advance, begin, by_ids, coverage, cursors, fill, holes, of_transaction, record_hole,
    saw_tip, statuses, store, text_at, topics_are,
};
use trueup_judge::ChainKey;
use trueup_spec::{EventPart, EventPath, EventTopic, Path};

use crate::application::{Application, CONTRACT};
use crate::spec_text::spec;

/// Five seconds a ledger.
fn closed(ledger: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_760_000_000 + 5 * ledger, 0).unwrap()
}

fn hash(ledger: i64) -> String {
    format!("{ledger:064x}").replace('0', "a")
}

/// The creation of an entity.
fn created(ledger: i64, id: &str) -> StoredEvent {
    let data = json!([id, "1000"]);
    StoredEvent {
        id: format!("{:019}-{:010}", ledger << 32, 0),
        ledger,
        closed_at: closed(ledger),
        contract: CONTRACT.to_owned(),
        transaction: hash(ledger),
        successful: true,
        name: Some("LOANCRTD".to_owned()),
        topics: json!(["LOANCRTD", "GABC"]),
        data: Some(data),
        topics_xdr: vec!["AAAADwAAAAhMT0FOQ1JURA==".to_owned(), "AAAA".to_owned()],
        data_xdr: "AAAB".to_owned(),
        unreadable: None,
    }
}

fn moved(from: i64, to: i64) -> Moved {
    Moved { from, to, until_time: Some(closed(to - 1)), tip_ledger: 100 }
}

fn contracts() -> Vec<String> {
    vec![CONTRACT.to_owned()]
}

async fn place(conn: &mut PgConnection) -> (i64, i64) {
    let cursor = cursors(conn, &contracts()).await.unwrap().remove(0);
    (cursor.from_ledger, cursor.next_ledger)
}

async fn known(conn: &mut PgConnection) -> Coverage {
    coverage(conn, CONTRACT).await.unwrap().expect("it was read")
}

#[tokio::test]
async fn what_is_stored_twice_is_there_once_and_comes_back_as_it_was() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    let odd = StoredEvent {
        id: "0000000000000000009-0000000002".to_owned(),
        name: None,
        topics: json!([null, true, {"a": ["1", null]}]),
        topics_xdr: Vec::new(),
        data: None,
        unreadable: Some("the data: it's \"broken\" \\ 🦀".to_owned()),
        ..created(9, "9")
    };
    let void = StoredEvent { id: "0000000000000000009-0000000003".to_owned(), data: Some(Value::Null), ..created(9, "9") };
    let events = [created(3, "7"), odd, void];
    assert_eq!(store(&mut conn, &events).await.unwrap().len(), 3);
    assert_eq!(store(&mut conn, &events).await.unwrap().len(), 0);
    let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
    let mut sorted = events.to_vec();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(by_ids(&mut conn, &ids).await.unwrap(), sorted);
    assert_eq!(of_transaction(&mut conn, CONTRACT, &hash(3)).await.unwrap(), [created(3, "7")]);
    assert_eq!(of_transaction(&mut conn, "CAAA", &hash(3)).await.unwrap(), []);
}

#[tokio::test]
async fn a_cursor_moves_only_from_where_it_stands() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    begin(&mut conn, &contracts(), 10, Some(closed(10)), 100).await.unwrap();
    assert!(advance(&mut conn, &contracts(), moved(10, 20)).await.unwrap());
    assert!(!advance(&mut conn, &contracts(), moved(10, 30)).await.unwrap(), "someone else was here");
    let two = vec![CONTRACT.to_owned(), "CAAA".to_owned()];
    assert!(!advance(&mut conn, &two, moved(20, 30)).await.unwrap(), "all of them or none");
    assert_eq!(place(&mut conn).await, (10, 20));
    begin(&mut conn, &contracts(), 50, Some(closed(50)), 100).await.unwrap();
    assert_eq!(place(&mut conn).await, (10, 20), "what is known is not forgotten");
    saw_tip(&mut conn, &contracts(), 90).await.unwrap();
    assert_eq!(cursors(&mut conn, &contracts()).await.unwrap()[0].tip_ledger, 100, "a lagging endpoint takes nothing back");
}

#[tokio::test]
async fn a_cursor_that_has_stored_nothing_begins_later_and_leaves_no_hole() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    begin(&mut conn, &contracts(), 10, Some(closed(10)), 100).await.unwrap();
    begin(&mut conn, &contracts(), 12, Some(closed(12)), 100).await.unwrap();
    assert_eq!(place(&mut conn).await, (12, 12));
    begin(&mut conn, &contracts(), 11, Some(closed(11)), 100).await.unwrap();
    assert_eq!(place(&mut conn).await, (12, 12), "never back");
    assert_eq!(holes(&mut conn, &contracts()).await.unwrap(), []);
}

#[tokio::test]
async fn a_hole_is_recorded_once_and_grows_where_nothing_was_stored_in_between() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    begin(&mut conn, &contracts(), 10, Some(closed(10)), 100).await.unwrap();
    assert!(advance(&mut conn, &contracts(), moved(10, 20)).await.unwrap());
    let hole = |from, to| Moved { from, to, until_time: None, tip_ledger: 100 };
    let leave = async |conn: &mut PgConnection, from: i64, to: i64| {
        record_hole(conn, &contracts(), hole(from, to), HoleReason::Pruned, Some(closed(to))).await.unwrap()
    };
    assert!(leave(&mut conn, 20, 30).await);
    assert!(!leave(&mut conn, 20, 30).await, "the cursor stands elsewhere by now");
    assert!(leave(&mut conn, 30, 40).await);
    assert!(advance(&mut conn, &contracts(), moved(40, 50)).await.unwrap());
    assert!(leave(&mut conn, 50, 60).await);
    let recorded: Vec<_> =
        holes(&mut conn, &contracts()).await.unwrap().into_iter().map(|it| (it.first_ledger, it.last_ledger, it.reason)).collect();
    assert_eq!(recorded, [(20, 39, "pruned".to_owned()), (50, 59, "pruned".to_owned())]);
    assert_eq!(place(&mut conn).await, (10, 60));
}

#[tokio::test]
async fn what_fills_a_hole_closes_as_much_of_it_as_it_fills() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    begin(&mut conn, &contracts(), 10, Some(closed(10)), 100).await.unwrap();
    assert!(advance(&mut conn, &contracts(), moved(10, 20)).await.unwrap());
    let moved_over = Moved { from: 20, to: 40, until_time: None, tip_ledger: 100 };
    assert!(record_hole(&mut conn, &contracts(), moved_over, HoleReason::Pruned, Some(closed(40))).await.unwrap());
    assert_eq!(fill(&mut conn, CONTRACT, 25, 29, &[created(27, "3")]).await.unwrap(), 1);
    let open = async |conn: &mut PgConnection| -> Vec<(i64, i64)> {
        holes(conn, &contracts()).await.unwrap().into_iter().map(|it| (it.first_ledger, it.last_ledger)).collect()
    };
    assert_eq!(open(&mut conn).await, [(20, 24), (30, 39)]);
    assert_eq!(fill(&mut conn, CONTRACT, 1, 24, &[]).await.unwrap(), 0);
    assert_eq!(fill(&mut conn, CONTRACT, 30, 100, &[created(31, "4")]).await.unwrap(), 1);
    assert_eq!(open(&mut conn).await, []);
    assert_eq!(place(&mut conn).await, (10, 40), "no cursor moves");
    assert_eq!(statuses(&mut conn).await.unwrap()[0].stored, 2);
}

#[tokio::test]
async fn a_span_of_time_is_known_only_where_it_is_certain() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    assert_eq!(coverage(&mut conn, CONTRACT).await.unwrap(), None);
    begin(&mut conn, &contracts(), 10, Some(closed(10)), 100).await.unwrap();
    assert!(!known(&mut conn).await.is_complete_between(closed(10), closed(10)), "nothing was stored yet");
    assert!(advance(&mut conn, &contracts(), moved(10, 20)).await.unwrap());
    let moved_over = Moved { from: 20, to: 40, until_time: None, tip_ledger: 100 };
    assert!(record_hole(&mut conn, &contracts(), moved_over, HoleReason::Pruned, Some(closed(40))).await.unwrap());
    assert!(advance(&mut conn, &contracts(), moved(40, 60)).await.unwrap());
    let known = known(&mut conn).await;
    for (from, to, is_complete) in
        [(10, 19, true), (9, 12, false), (10, 20, false), (21, 30, false), (39, 45, false), (40, 59, true), (40, 60, false)]
    {
        assert_eq!(known.is_complete_between(closed(from), closed(to)), is_complete, "{from} to {to}");
    }
    sqlx::query("UPDATE trueup.event_cursors SET from_time = NULL").execute(&mut *conn).await.unwrap();
    assert!(!self::known(&mut conn).await.is_complete_between(closed(40), closed(59)), "nobody knows when the first ledger closed");
}

#[tokio::test]
async fn a_place_in_an_event_is_read_as_what_it_is_and_nothing_else() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    let data = json!({ "id": "340282366920938463463374607431768211455", "flag": true, "0": "of a map", "list": ["a", ["b"]], "it's \"q\"\\": "quoted", "none": null });
    store(&mut conn, &[StoredEvent { data: Some(data), ..created(3, "7") }]).await.unwrap();
    let cases = [
        ("id", Some("340282366920938463463374607431768211455")),
        ("flag", Some("true")),
        (r#"["0"]"#, Some("of a map")),
        ("[u32:0]", Some("of a map")),
        ("[0]", None),
        ("list[0]", Some("a")),
        ("list[1]", None),
        ("list[1][0]", Some("b")),
        (r#"list["0"]"#, None),
        (r#"["it's \"q\"\\"]"#, Some("quoted")),
        ("none", None),
        ("absent.deeper", None),
        ("", None),
    ];
    for (path, found) in cases {
        let place = EventPath { part: EventPart::Data, path: Path::parse(path).unwrap() };
        let sql = format!("SELECT {} FROM trueup.events AS e", text_at("e", &place));
        assert_eq!(application.text(&sql).await.as_deref(), found, "{path}");
    }
    let topic = EventPath { part: EventPart::Topic(1), path: Path::default() };
    assert_eq!(application.text(&format!("SELECT {} FROM trueup.events AS e", text_at("e", &topic))).await.as_deref(), Some("GABC"));
}

#[tokio::test]
async fn topics_match_from_the_first_and_only_in_calls_that_succeeded() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    let failed = StoredEvent { successful: false, id: "0000000000000000001-0000000000".to_owned(), ..created(3, "7") };
    let unnamed = StoredEvent { name: None, id: "0000000000000000001-0000000001".to_owned(), ..created(3, "7") };
    store(&mut conn, &[created(3, "7"), failed, unnamed]).await.unwrap();
    let is = |text: &str| EventTopic::Is(text.to_owned());
    let cases = [
        (vec![is("LOANCRTD")], "1"),
        (vec![is("LOANCRTD"), is("GABC")], "1"),
        (vec![is("LOANCRTD"), EventTopic::Any], "1"),
        (vec![is("LOANCRTD"), is("GABD")], "0"),
        (vec![is("LOANCRTD"), EventTopic::Any, EventTopic::Any], "0"),
        (vec![is("LOAN")], "0"),
        (vec![is("it's")], "0"),
    ];
    for (topics, count) in cases {
        let sql = format!("SELECT count(*)::text FROM trueup.events AS e WHERE {}", topics_are("e", CONTRACT, &topics));
        assert_eq!(application.text(&sql).await.as_deref(), Some(count), "{topics:?}");
    }
    let other = format!("SELECT count(*)::text FROM trueup.events AS e WHERE {}", topics_are("e", "CAAA", &[is("LOANCRTD")]));
    assert_eq!(application.text(&other).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn keys_that_events_name_come_in_pages_and_those_with_a_row_do_not() {
    let application = Application::new(
        "CREATE TABLE it (id bigint PRIMARY KEY, v numeric); INSERT INTO it SELECT n, 1 FROM generate_series(1, 30) AS n WHERE n % 3 <> 0",
    )
    .await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    let mut stored: Vec<StoredEvent> = (1..=30).map(|n| created(n, &n.to_string())).collect();
    stored.push(StoredEvent { id: "0000000000000000001-0000000009".to_owned(), ..created(3, "3") });
    stored.push(StoredEvent { id: "0000000000000000002-0000000009".to_owned(), data: Some(json!(["no number"])), ..created(3, "") });
    stored.push(StoredEvent { id: "0000000000000000003-0000000009".to_owned(), data: Some(json!([["3"]])), ..created(3, "") });
    let unread = json!([null, "GABC"]);
    stored.push(StoredEvent {
        id: "0000000000000000004-0000000009".to_owned(),
        topics: unread,
        name: None,
        unreadable: Some("topic 0".to_owned()),
        ..created(3, "")
    });
    stored.push(StoredEvent { id: "0000000000000000005-0000000009".to_owned(), closed_at: Utc::now(), ..created(3, "99") });
    store(&mut conn, &stored).await.unwrap();
    let how = "{ events = { topics = [\"LOANCRTD\", \"*\"], id = \"data[0]\" } }";
    let kind = application.bind(spec("it").enumerate(how).compare("v", "numeric")).await;
    let page = application.keys(&kind.missing_of_query(None, 4).unwrap()).await;
    assert_eq!(page, ["12", "15", "18", "21"]);
    let rest = application.keys(&kind.missing_of_query(Some(&ChainKey("21".to_owned())), 100).unwrap()).await;
    assert_eq!(rest, ["24", "27", "3", "30", "6", "9", "no number"], "each once, and not the one of just now");
    assert_eq!(kind.keyless_events(&mut conn).await.unwrap(), 2, "one whose key is no scalar, one whose name cannot be read");
    let soon = how.replace("id =", "after = \"0 seconds\", id =");
    let kind = application.bind(spec("it").enumerate(&soon).compare("v", "numeric")).await;
    assert!(application.keys(&kind.missing_of_query(None, 100).unwrap()).await.contains(&"99".to_owned()));
}

#[tokio::test]
async fn a_composite_key_is_read_from_several_places() {
    let application =
        Application::new("CREATE TABLE it (owner text, id int, v numeric, PRIMARY KEY (owner, id)); INSERT INTO it VALUES ('GABC', 1, 1)")
            .await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    store(&mut conn, &[created(1, "1"), created(2, "2")]).await.unwrap();
    let text = spec("it")
        .key("[\"owner\", \"id\"]")
        .entry("[{ address = \"owner\" }, { u32 = \"id\" }]")
        .enumerate("{ events = { topics = [\"LOANCRTD\"], id = [\"topics[1]\", \"data[0]\"] } }")
        .compare("v", "numeric");
    let kind = application.bind(text).await;
    assert_eq!(application.keys(&kind.missing_of_query(None, 10).unwrap()).await, ["[\"GABC\", \"2\"]"]);
}

fn transactions() -> String {
    format!(
        "kind = \"transaction\"\ntable = \"txs\"\n[chain]\nsource = \"transaction\"\nhash = \"hash\"\nstate = \"status\"\n\
         states = {{ pending = \"p\", succeeded = \"s\", failed = \"f\" }}\n\
         enumerate = {{ events = {{ contract = \"{CONTRACT}\", topics = [\"LOANCRTD\"] }} }}\n"
    )
}

#[tokio::test]
async fn a_transaction_with_a_row_is_not_missed_however_its_hash_is_written() {
    for (column, forms) in [
        ("text", vec!["'{h}'", "upper('{h}')", "'0x{h}'", "'0x' || upper('{h}')", "'\\x{h}'", "' {h} '"]),
        ("bytea", vec!["'\\x{h}'"]),
        ("varchar(66)", vec!["'{h}'", "'0x{h}'"]),
    ] {
        for form in forms {
            let application = Application::new(&format!("CREATE TABLE txs (id int PRIMARY KEY, hash {column}, status text)")).await;
            let mut conn = application.pools.write.acquire().await.unwrap();
            store(&mut conn, &[created(1, "1"), created(2, "2")]).await.unwrap();
            application.run(&format!("INSERT INTO txs VALUES (1, {}, 's')", form.replace("{h}", &hash(1)))).await;
            let kind = application.bind(transactions()).await;
            let missed = application.keys(&kind.missing_of_query(None, 10).unwrap()).await;
            let expected = if column == "bytea" { format!("\\x{}", hash(2)) } else { hash(2) };
            assert_eq!(missed, [expected], "{column} {form}");
            let first = ChainKey(if column == "bytea" { format!("\\x{}", hash(1)) } else { hash(1) });
            let located = kind.locate_keys(&application.pools.read, &[first]).await.unwrap().remove(0).1.unwrap();
            // With spaces around it only the enumeration knows it; nothing writes it so.
            assert_eq!(located.row.is_some(), !form.contains(' ') || form.contains("||"), "{column} {form}");
        }
    }
}

#[tokio::test]
async fn events_of_other_contracts_are_not_counted_for_one() {
    let application = Application::new("").await;
    let mut conn = application.pools.write.acquire().await.unwrap();
    let other = StoredEvent { contract: "CAAA".to_owned(), id: "0000000000000000001-0000000000".to_owned(), ..created(1, "1") };
    store(&mut conn, &[created(1, "1"), other]).await.unwrap();
    begin(&mut conn, &contracts(), 1, None, 100).await.unwrap();
    let statuses = events::statuses(&mut conn).await.unwrap();
    assert_eq!((statuses.len(), statuses[0].stored, statuses[0].unreadable), (1, 1, 0));
}
