//! Any entry, read by a spec that is drawn for it, gives values that Postgres casts, or an error.
//!
//! The input is one byte that says how many bytes follow to draw the spec from, those, and the XDR of a
//! `LedgerEntryData`.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use libfuzzer_sys::arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;
use trueup_chain::{LedgerEntryData, ScVal, account_values, balance_values, decode_all, entry_value, fuzzing, key_texts};
use trueup_spec::{ArgumentType, Carrier, Name, Path, Position, Segment, Value};

/// How many values a drawn spec has at most.
const VALUES_MAX: usize = 6;
/// How deep a drawn path is at most.
const SEGMENTS_MAX: usize = 8;
/// The most decimals that a spec may name.
const DECIMALS_MAX: u32 = 38;
/// The most columns of a key.
const COLUMNS_MAX: usize = 4;

const CARRIERS: [Carrier; 6] = [Carrier::Text, Carrier::Numeric, Carrier::Bool, Carrier::Bytea, Carrier::Timestamptz, Carrier::Jsonb];
const KEYS: [ArgumentType; 4] = [ArgumentType::U32, ArgumentType::I128, ArgumentType::Address, ArgumentType::Bytes];

fuzz_target!(|input: &[u8]| {
    let Some((count, rest)) = input.split_first() else { return };
    let (draws, xdr) = rest.split_at(usize::from(*count).min(rest.len()));
    let mut draws = Unstructured::new(draws);
    let Some(entry) = fuzzing::entry(&BASE64.encode(xdr)) else { return };
    fixed(&entry, &mut draws);
    let Some(value) = entry_value(&entry) else { return };
    let values: Vec<Value> = (0..draw(&mut draws, VALUES_MAX) + 1).map(|index| wanted(&value, index, &mut draws)).collect();
    if let Ok(read) = decode_all(&value, &values) {
        assert_eq!(read.len(), values.len());
        for (wanted, read) in values.iter().zip(&read) {
            castable(wanted.carrier, read.as_deref(), wanted.decimals);
        }
    }
});

/// The sources whose values no spec names.
fn fixed(entry: &LedgerEntryData, draws: &mut Unstructured<'_>) {
    let decimals = u32::try_from(draw(draws, DECIMALS_MAX as usize + 1)).unwrap_or_default();
    for read in [account_values(entry, 1), balance_values(entry, decimals)].into_iter().flatten() {
        assert!(read.iter().flatten().all(|text| !text.contains('\0')), "Postgres can hold it");
    }
    if let Some(value) = entry_value(entry) {
        let columns = draw(draws, COLUMNS_MAX) + 1;
        if let Ok(key) = key_texts(&value, columns) {
            assert_eq!(key.len(), columns);
        }
    }
}

/// A number below `end`; 0 where nothing is left to draw from.
fn draw(draws: &mut Unstructured<'_>, end: usize) -> usize {
    draws.int_in_range(0..=end.saturating_sub(1)).unwrap_or_default()
}

fn wanted(value: &ScVal, index: usize, draws: &mut Unstructured<'_>) -> Value {
    Value {
        name: Name { text: format!("v{index}"), at: Position { line: 1, column: 1 } },
        from: None,
        path: path(value, draws),
        carrier: CARRIERS[draw(draws, CARRIERS.len())],
        decimals: u32::try_from(draw(draws, DECIMALS_MAX as usize + 1)).unwrap_or_default(),
        optional: draw(draws, 2) == 1,
    }
}

/// A path that mostly leads somewhere: each step is drawn from what is there.
fn path(value: &ScVal, draws: &mut Unstructured<'_>) -> Path {
    let mut segments = Vec::new();
    let mut here = value;
    for _ in 0..draw(draws, SEGMENTS_MAX) {
        let (segment, next) = match (draw(draws, 8), here) {
            (0, _) => (Segment::Key(KEYS[draw(draws, KEYS.len())], draw(draws, 256).to_string()), None),
            (1, _) => (Segment::Index(draw(draws, 256)), None),
            (_, ScVal::Map(Some(entries))) if !entries.is_empty() => {
                let entry = &entries[draw(draws, entries.len())];
                (named(&entry.key), Some(&entry.val))
            }
            (_, ScVal::Vec(Some(parts))) if !parts.is_empty() => {
                let index = draw(draws, parts.len());
                (Segment::Index(index), Some(&parts[index]))
            }
            _ => break,
        };
        segments.push(segment);
        let Some(next) = next else { break };
        here = next;
    }
    Path(segments)
}

fn named(key: &ScVal) -> Segment {
    match key {
        ScVal::Symbol(name) => Segment::Name(String::from_utf8_lossy(name.as_slice()).into_owned()),
        ScVal::String(name) => Segment::Name(String::from_utf8_lossy(name.as_slice()).into_owned()),
        ScVal::U32(number) => Segment::Key(ArgumentType::U32, number.to_string()),
        ScVal::Address(address) => Segment::Key(ArgumentType::Address, address.to_string()),
        _ => Segment::Name("other".to_owned()),
    }
}

/// What Postgres casts to the carrier without loss.
fn castable(carrier: Carrier, text: Option<&str>, decimals: u32) {
    let Some(text) = text else { return };
    assert!(!text.contains('\0'), "Postgres can hold it");
    match carrier {
        Carrier::Text => {}
        Carrier::Bool => assert!(matches!(text, "true" | "false"), "{text}"),
        Carrier::Jsonb => assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}"),
        Carrier::Bytea => assert!(text.strip_prefix("\\x").is_some_and(|hex| hex.bytes().all(|it| it.is_ascii_hexdigit())), "{text}"),
        Carrier::Timestamptz => assert!(text.ends_with('Z') && text.contains('T'), "{text}"),
        Carrier::Numeric => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
            let is_digits = |text: &str| text.bytes().all(|it| it.is_ascii_digit());
            assert!(!whole.is_empty() && is_digits(whole) && is_digits(rest) && rest.len() == decimals as usize, "{text}");
        }
    }
}
