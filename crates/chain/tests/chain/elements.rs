//! Elements within an entry, and values of several entries.

use serde_json::json;
use stellar_xdr::ScVal;
use trueup_chain::{DecodeError, ElementAt, decode_joined, element, element_at, elements};
use trueup_judge::Durability;
use trueup_spec::{AlsoEntry, Argument, ArgumentType, Carrier, Element, ElementBy, KeyTemplate, Name, Path, Position, Sql, Value};

const WALLET: &str = "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF";

fn value(form: serde_json::Value) -> ScVal {
    serde_json::from_value(form).expect("a value")
}

fn at() -> Position {
    Position { line: 1, column: 1 }
}

fn argument(kind: ArgumentType) -> Argument {
    Argument { kind, sql: Sql { text: "it".to_owned(), at: at() } }
}

fn of(path: &str, by: ElementBy) -> Element {
    Element { of: path.parse().expect("a path"), by, optional: false }
}

fn listed(first: i64) -> Element {
    of("schedule", ElementBy::Position { argument: 0, first })
}

/// A map with keys of several forms: `Balance(Address)` twice, a symbol, and `Balance(u32)`.
fn balances() -> ScVal {
    let balance = |of: serde_json::Value| json!({ "vec": [{ "symbol": "Balance" }, of] });
    value(json!({ "map": [
        { "key": { "symbol": "ADMIN" }, "val": { "address": WALLET } },
        { "key": balance(json!({ "u32": 5 })), "val": { "u64": "1" } },
        { "key": balance(json!({ "address": WALLET })), "val": { "u64": "2" } },
        { "key": { "vec": [{ "symbol": "Limit" }, { "address": WALLET }] }, "val": { "u64": "3" } },
    ] }))
}

fn balance() -> Element {
    of("", ElementBy::Key(KeyTemplate::Vec(vec![KeyTemplate::Symbol("Balance".to_owned()), KeyTemplate::Argument(0)])))
}

fn texts(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

#[test]
fn positions_count_from_the_first_that_the_spec_names() {
    let loan = value(json!({ "map": [{ "key": { "symbol": "schedule" }, "val": { "vec": [{ "u64": "10" }, { "u64": "20" }] } }] }));
    let arguments = [argument(ArgumentType::I64)];
    let read = |position: &str, first: i64| {
        let at = element_at(&listed(first), &arguments, &texts(&[position])).expect("a number").expect("not NULL");
        element(&loan, &listed(first), &at).expect("a list").cloned()
    };
    assert_eq!(read("0", 0), Some(ScVal::U64(10)));
    assert_eq!(read("2", 1), Some(ScVal::U64(20)));
    for (position, first) in [("2", 0), ("0", 1), ("-1", 0), ("9223372036854775807", -5)] {
        assert_eq!(read(position, first), None, "{position} from {first}");
    }
    assert_eq!(elements(&loan, &listed(1), &arguments), Ok(vec![vec!["1".to_owned()], vec!["2".to_owned()]]));
    assert_eq!(element_at(&listed(0), &arguments, &[None]), Ok(None), "a NULL position is no element");
    assert!(element_at(&listed(0), &arguments, &texts(&["1.5"])).is_err());
}

#[test]
fn keys_of_a_map_that_are_of_another_form_belong_to_no_row() {
    let arguments = [argument(ArgumentType::Address)];
    let at = element_at(&balance(), &arguments, &texts(&[WALLET])).expect("an address").expect("not NULL");
    assert!(matches!(at, ElementAt::Key(_)));
    assert_eq!(element(&balances(), &balance(), &at), Ok(Some(&ScVal::U64(2))));
    assert_eq!(elements(&balances(), &balance(), &arguments), Ok(vec![vec![WALLET.to_owned()]]));
    assert_eq!(elements(&balances(), &balance(), &[argument(ArgumentType::U32)]), Ok(vec![vec!["5".to_owned()]]));
}

#[test]
fn every_element_that_is_found_leads_back_to_itself() {
    let struct_key = KeyTemplate::Map(vec![
        (KeyTemplate::Symbol("b".to_owned()), KeyTemplate::Argument(0)),
        (KeyTemplate::Symbol("a".to_owned()), KeyTemplate::Vec(vec![KeyTemplate::Argument(1)])),
    ]);
    let key = |b: &str, a: u32| json!({ "map": [{ "key": { "symbol": "a" }, "val": { "vec": [{ "u32": a }] } }, { "key": { "symbol": "b" }, "val": { "i128": b } }] });
    let map = value(json!({ "map": [{ "key": key("-5", 1), "val": { "u64": "1" } }, { "key": key("7", 2), "val": { "u64": "2" } }] }));
    let (spec, arguments) = (of("", ElementBy::Key(struct_key)), [argument(ArgumentType::I128), argument(ArgumentType::U32)]);
    let found = elements(&map, &spec, &arguments).expect("a map");
    assert_eq!(found, [["-5", "1"], ["7", "2"]]);
    for (texts, wanted) in found.into_iter().zip([1, 2]) {
        let texts: Vec<Option<String>> = texts.into_iter().map(Some).collect();
        let at = element_at(&spec, &arguments, &texts).expect("a key").expect("not NULL");
        assert_eq!(element(&map, &spec, &at), Ok(Some(&ScVal::U64(wanted))));
    }
}

#[test]
fn a_parent_of_another_shape_is_an_error_and_one_without_elements_is_none() {
    let none = value(json!({ "map": [{ "key": { "symbol": "schedule" }, "val": "void" }] }));
    let missing = value(json!({ "map": [] }));
    let number = value(json!({ "map": [{ "key": { "symbol": "schedule" }, "val": { "u32": 1 } }] }));
    let at = ElementAt::Index(Some(0));
    assert_eq!(element(&none, &listed(0), &at), Ok(None));
    assert!(matches!(element(&missing, &listed(0), &at), Err(DecodeError::Absent { .. })));
    assert_eq!(element(&missing, &Element { optional: true, ..listed(0) }, &at), Ok(None));
    assert!(matches!(element(&number, &listed(0), &at), Err(DecodeError::NoElements { .. })));
    assert!(elements(&number, &listed(0), &[argument(ArgumentType::I64)]).is_err());
    assert!(matches!(element(&number, &listed(0), &ElementAt::Index(None)), Err(DecodeError::NoElements { .. })));
}

#[test]
fn values_are_read_each_from_its_entry() {
    let further = |name: &str, optional: bool| AlsoEntry {
        name: Name { text: name.to_owned(), at: at() },
        contract: None,
        durability: Durability::Persistent,
        entry: KeyTemplate::Instance,
        optional,
    };
    let wanted = |name: &str, from: Option<usize>| Value {
        name: Name { text: name.to_owned(), at: at() },
        from,
        path: Path::default(),
        carrier: Carrier::Numeric,
        decimals: 0,
        optional: false,
    };
    let values = [wanted("total", Some(0)), wanted("own", None), wanted("price", Some(1))];
    let entries = [further("pool", false), further("oracle", true)];
    let read =
        |also: &[Option<ScVal>]| decode_joined(&ScVal::U64(1), &entries, &also.iter().map(Option::as_ref).collect::<Vec<_>>(), &values);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(read(&[Some(ScVal::U64(2)), Some(ScVal::U64(3))]), Ok(vec![text("2"), text("1"), text("3")]));
    assert_eq!(read(&[Some(ScVal::U64(2)), None]), Ok(vec![text("2"), text("1"), None]), "an optional entry's values are NULL");
    assert_eq!(read(&[None, None]), Err(DecodeError::NoEntry { name: "pool".to_owned() }));
}
