use stellar_xdr::ScVal;
use trueup_chain::{argument, decode};
use trueup_spec::{ArgumentType, Carrier, Path};

#[track_caller]
fn becomes(kind: ArgumentType, text: &str, wanted: &ScVal) {
    assert_eq!(argument(kind, text).as_ref(), Ok(wanted), "{kind:?} from {text}");
}

#[track_caller]
fn is_refused(kind: ArgumentType, text: &str) -> String {
    match argument(kind, text) {
        Ok(value) => panic!("{kind:?} from `{text}` became {value:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn booleans_are_taken_as_postgres_prints_them() {
    for text in ["t", "true"] {
        becomes(ArgumentType::Bool, text, &ScVal::Bool(true));
    }
    for text in ["f", "false"] {
        becomes(ArgumentType::Bool, text, &ScVal::Bool(false));
    }
    is_refused(ArgumentType::Bool, "1");
}

#[test]
fn integers_are_exact_and_range_checked() {
    becomes(ArgumentType::U32, "4294967295", &ScVal::U32(u32::MAX));
    becomes(ArgumentType::I64, "-9223372036854775808", &ScVal::I64(i64::MIN));
    becomes(ArgumentType::U64, "007", &ScVal::U64(7));
    becomes(ArgumentType::I128, &i128::MIN.to_string(), &ScVal::from(i128::MIN));
    for (kind, text) in [
        (ArgumentType::U32, "4294967296"),
        (ArgumentType::U32, "-1"),
        (ArgumentType::I32, "2147483648"),
        (ArgumentType::U64, "18446744073709551616"),
        (ArgumentType::I64, "9223372036854775808"),
        (ArgumentType::U128, "-1"),
        (ArgumentType::I128, "170141183460469231731687303715884105728"),
        (ArgumentType::U256, "115792089237316195423570985008687907853269984665640564039457584007913129639936"),
        (ArgumentType::U256, "-1"),
        (ArgumentType::I256, "57896044618658097711785492504343953926634992332820282019728792003956564819968"),
        (ArgumentType::I256, &"9".repeat(1_000)),
        (ArgumentType::Timepoint, "-1"),
    ] {
        assert!(is_refused(kind, text).contains("out of the type's range"), "{kind:?} {text}");
    }
}

#[test]
fn a_number_with_a_fraction_is_a_key_only_if_the_fraction_is_zero() {
    becomes(ArgumentType::U64, "5.000", &ScVal::U64(5));
    becomes(ArgumentType::I32, "-0", &ScVal::I32(0));
    for text in ["5.5", "5e3", "", "-", ".", " 5", "+5", "NaN", "0x10", "५"] {
        assert!(is_refused(ArgumentType::U64, text).contains("whole number"), "{text}");
    }
}

#[test]
fn the_extremes_of_256_bits_go_there_and_back() {
    let max = "57896044618658097711785492504343953926634992332820282019728792003956564819967";
    let min = "-57896044618658097711785492504343953926634992332820282019728792003956564819968";
    let umax = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    for (kind, text) in [(ArgumentType::I256, max), (ArgumentType::I256, min), (ArgumentType::I256, "-1"), (ArgumentType::U256, umax)] {
        let value = argument(kind, text).expect("in range");
        assert_eq!(decode(&value, &Path::default(), Carrier::Numeric, 0, false), Ok(Some(text.to_owned())));
    }
}

#[test]
fn bytes_are_taken_from_bytea_and_from_hex() {
    let wanted = argument(ArgumentType::Bytes, "\\x00ff").expect("bytea");
    for text in ["00ff", "0x00FF", "00Ff"] {
        becomes(ArgumentType::Bytes, text, &wanted);
    }
    for text in ["0", "0xg0", "\\\\x00"] {
        is_refused(ArgumentType::Bytes, text);
    }
}

#[test]
fn a_symbol_holds_32_characters_of_its_alphabet() {
    assert!(argument(ArgumentType::Symbol, &"a".repeat(32)).is_ok());
    for text in [&"a".repeat(33), "with space", "quote'", "émoji", "🦀", "a-b"] {
        is_refused(ArgumentType::Symbol, text);
    }
}

#[test]
fn a_string_takes_any_text() {
    for text in ["", "it's \"quoted\"", "🦀", &"x".repeat(100_000)] {
        let value = argument(ArgumentType::String, text).expect("any text");
        assert_eq!(decode(&value, &Path::default(), Carrier::Text, 0, false), Ok(Some(text.to_owned())));
    }
}

#[test]
fn an_address_is_any_strkey_of_the_network_and_nothing_else() {
    for strkey in [
        "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF",
        "CBZJDM4CRWMIMHIDXIZUE7WB3ZAO6FKC3NIK2YT35335F2THKSHRHXDL",
        "MA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVAAAAAAAAAAAAAJLK",
    ] {
        let value = argument(ArgumentType::Address, strkey).expect("a strkey");
        assert_eq!(decode(&value, &Path::default(), Carrier::Text, 0, false), Ok(Some(strkey.to_owned())));
    }
    for text in ["", "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHG", "pending", "0x1234"] {
        is_refused(ArgumentType::Address, text);
    }
}

#[test]
fn a_refusal_shows_the_text_shortened_and_on_one_line() {
    let message = is_refused(ArgumentType::U64, &"line\n".repeat(1_000));
    assert!(message.len() < 200 && !message.contains('\n'), "{message}");
}
