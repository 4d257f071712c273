use serde_json::json;
use stellar_xdr::{LedgerEntryData, ScVal};
use trueup_chain::{DecodeError, decode, decode_all, select};
use trueup_spec::{ArgumentType, Carrier, Name, Path, Position, Segment, Value};

/// A value from the XDR library's JSON form.
fn value(form: serde_json::Value) -> ScVal {
    serde_json::from_value(form).expect("a value")
}

/// A loan: struct, enums, option, list, map with keys of other types.
fn loan() -> ScVal {
    let pair = |name: &str, val: serde_json::Value| json!({ "key": { "symbol": name }, "val": val });
    value(json!({ "map": [
        pair("balance", json!({ "i128": "-1234500000" })),
        pair("big", json!({ "i128": "170141183460469231731687303715884105727" })),
        pair("hash", json!({ "bytes": "00ff" })),
        pair("lock", json!("void")),
        pair("note", json!({ "string": "it's 🦀" })),
        pair("owner", json!({ "address": "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF" })),
        pair("parts", json!({ "map": [{ "key": { "u32": 5 }, "val": { "bool": true } }] })),
        pair("schedule", json!({ "vec": [{ "u64": "10" }, { "u64": "20" }] })),
        pair("status", json!({ "vec": [{ "symbol": "Active" }] })),
        pair("tier", json!({ "vec": [{ "symbol": "Boosted" }, { "u32": 3 }] })),
        pair("until", json!({ "u64": "1752718221" })),
    ] }))
}

fn name(text: &str) -> Segment {
    Segment::Name(text.to_owned())
}

fn path<const N: usize>(segments: [Segment; N]) -> Path {
    Path(segments.into())
}

#[track_caller]
fn reads(segments: impl Into<Vec<Segment>>, carrier: Carrier, decimals: u32, wanted: &str) {
    let read = decode(&loan(), &Path(segments.into()), carrier, decimals, false);
    assert_eq!(read, Ok(Some(wanted.to_owned())));
}

#[test]
fn every_carrier_reads_what_it_takes() {
    reads([name("balance")], Carrier::Numeric, 7, "-123.4500000");
    reads([name("balance")], Carrier::Text, 0, "-1234500000");
    reads([name("big")], Carrier::Numeric, 0, "170141183460469231731687303715884105727");
    reads([name("hash")], Carrier::Bytea, 0, "\\x00ff");
    reads([name("hash")], Carrier::Text, 0, "00ff");
    reads([name("note")], Carrier::Text, 0, "it's 🦀");
    reads([name("owner")], Carrier::Text, 0, "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF");
    reads([name("parts"), Segment::Key(ArgumentType::U32, "5".to_owned())], Carrier::Bool, 0, "true");
    reads([name("schedule"), Segment::Index(1)], Carrier::Numeric, 0, "20");
    reads([name("status")], Carrier::Text, 0, "Active");
    reads([name("tier")], Carrier::Text, 0, "Boosted");
    reads([name("tier"), Segment::Index(1)], Carrier::Numeric, 0, "3");
    reads([name("until")], Carrier::Timestamptz, 0, "2025-07-17T02:10:21Z");
    reads([name("parts")], Carrier::Jsonb, 0, r#"{"5":true}"#);
    reads([name("tier")], Carrier::Jsonb, 0, r#"["Boosted","3"]"#);
}

#[test]
fn what_a_carrier_does_not_take_is_an_error_and_never_a_guess() {
    for (at, carrier) in [
        ("note", Carrier::Numeric),
        ("note", Carrier::Bytea),
        ("balance", Carrier::Bool),
        ("parts", Carrier::Text),
        ("schedule", Carrier::Text),
        ("owner", Carrier::Timestamptz),
    ] {
        let error = decode(&loan(), &path([name(at)]), carrier, 0, true).expect_err("the types differ");
        assert!(matches!(error, DecodeError::Type { .. }), "{error}");
    }
}

#[test]
fn void_is_null_and_so_is_what_is_below_it_if_it_is_optional() {
    assert_eq!(decode(&loan(), &path([name("lock")]), Carrier::Numeric, 0, false), Ok(None));
    assert_eq!(decode(&loan(), &path([name("lock")]), Carrier::Jsonb, 0, false), Ok(None));
    let below = path([name("lock"), name("until")]);
    assert_eq!(decode(&loan(), &below, Carrier::Numeric, 0, true), Ok(None));
    assert!(matches!(decode(&loan(), &below, Carrier::Numeric, 0, false), Err(DecodeError::Absent { .. })));
}

#[test]
fn a_missing_part_is_named_as_far_as_it_is_missing() {
    let at = path([name("schedule"), Segment::Index(7), name("amount")]);
    let error = decode(&loan(), &at, Carrier::Numeric, 0, false).expect_err("there are two");
    assert_eq!(error, DecodeError::Absent { path: "schedule[7]".to_owned() });
    assert_eq!(decode(&loan(), &at, Carrier::Numeric, 0, true), Ok(None));
}

#[test]
fn a_path_into_something_without_parts_is_another_shape_even_if_optional() {
    let error = decode(&loan(), &path([name("balance"), name("x")]), Carrier::Numeric, 0, true).expect_err("a number has no parts");
    assert_eq!(error, DecodeError::NoParts { path: "balance.x".to_owned(), found: "i128" });
}

#[test]
fn a_name_finds_a_symbol_before_a_string_before_a_unit_variant() {
    let symbol = json!({ "key": { "symbol": "A" }, "val": { "u32": 1 } });
    let string = json!({ "key": { "string": "A" }, "val": { "u32": 2 } });
    let unit = json!({ "key": { "vec": [{ "symbol": "A" }] }, "val": { "u32": 3 } });
    for (entries, wanted) in [(vec![&symbol, &string, &unit], 1), (vec![&string, &unit], 2), (vec![&unit], 3)] {
        let map = value(json!({ "map": entries }));
        assert_eq!(select(&map, &path([name("A")])), Ok(Some(&ScVal::U32(wanted))));
    }
}

#[test]
fn the_empty_path_is_the_whole_value() {
    assert_eq!(decode(&ScVal::U32(5), &Path::default(), Carrier::Numeric, 1, false), Ok(Some("0.5".to_owned())));
}

#[test]
fn json_is_exact_sorted_and_refuses_keys_that_read_the_same() {
    let map = value(json!({ "map": [
        { "key": { "symbol": "b" }, "val": { "i128": "9007199254740993" } },
        { "key": { "symbol": "a" }, "val": { "vec": [{ "bytes": "0a" }, "void", { "bool": false }] } },
        { "key": { "vec": [{ "symbol": "K" }, { "u32": 1 }] }, "val": { "map": [] } },
    ] }));
    let read = decode(&map, &Path::default(), Carrier::Jsonb, 0, false).expect("JSON").expect("no NULL");
    assert_eq!(read, r#"{"[\"K\",\"1\"]":{},"a":["0a",null,false],"b":"9007199254740993"}"#);
    let twice = value(json!({ "map": [{ "key": { "symbol": "5" }, "val": "void" }, { "key": { "u32": 5 }, "val": "void" }] }));
    assert!(matches!(decode(&twice, &Path::default(), Carrier::Jsonb, 0, false), Err(DecodeError::Unholdable { .. })));
}

#[test]
fn what_postgres_cannot_hold_is_an_error() {
    for string in [&b"\xff"[..], b"a\0b"] {
        let value = ScVal::String(stellar_xdr::ScString(string.try_into().expect("short")));
        for carrier in [Carrier::Text, Carrier::Jsonb] {
            let error = decode(&value, &Path::default(), carrier, 0, false).expect_err("not text");
            assert!(matches!(error, DecodeError::Unholdable { .. }), "{error}");
        }
    }
}

#[test]
fn timestamps_cover_what_postgres_holds_and_nothing_more() {
    for (seconds, wanted) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (253_402_300_800, "10000-01-01T00:00:00Z"),
        (9_224_318_015_999, "294276-12-31T23:59:59Z"),
        (-62_135_596_801, "0001-12-31T23:59:59Z BC"),
        (-210_866_803_200, "4714-11-24T00:00:00Z BC"),
    ] {
        assert_eq!(decode(&ScVal::I64(seconds), &Path::default(), Carrier::Timestamptz, 0, false), Ok(Some(wanted.to_owned())));
    }
    for value in [ScVal::I64(9_224_318_016_000), ScVal::I64(-210_866_803_201), ScVal::U64(u64::MAX), ScVal::from(i128::MAX)] {
        let error = decode(&value, &Path::default(), Carrier::Timestamptz, 0, false).expect_err("out of range");
        assert!(matches!(error, DecodeError::Unholdable { .. }), "{error}");
    }
}

#[test]
fn all_values_are_read_in_their_order_and_an_error_names_the_value() {
    let at = Position { line: 1, column: 1 };
    let wanted = |text: &str, at_name: &str, carrier| Value {
        from: None,
        name: Name { text: text.to_owned(), at },
        path: path([name(at_name)]),
        carrier,
        decimals: 7,
        optional: false,
    };
    let values = [wanted("status", "status", Carrier::Text), wanted("owed", "balance", Carrier::Numeric)];
    assert_eq!(decode_all(&loan(), &values), Ok(vec![Some("Active".to_owned()), Some("-123.4500000".to_owned())]));
    let error = decode_all(&loan(), &[wanted("owed", "amount", Carrier::Numeric)]).expect_err("no such part");
    assert_eq!(error.to_string(), "value `owed`: the entry has nothing at `amount`; if that is normal, make the value `optional = true`");
}

#[test]
fn entries_that_are_not_contract_data_hold_no_values() {
    assert_eq!(trueup_chain::entry_value(&LedgerEntryData::default()), None);
}
