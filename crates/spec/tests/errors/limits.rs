//! Each limit of the format: as many as there may be are read, and one more is an error.

use super::{CONTRACT, FIELD, HEAD, VALUES, chain};
use trueup_spec::Spec;

/// The first thing that is wrong with a spec; none if nothing is.
fn wrong(text: &str) -> Option<String> {
    Spec::parse("loan.toml", text, &|_| None).err()?.0.first().map(|error| error.message.clone())
}

/// That a spec with `most` of something is sound, and one with one more is wrong in this way.
fn at_most(most: usize, message: &str, spec: impl Fn(usize) -> String) {
    assert_eq!(wrong(&spec(most)), None, "{message}");
    assert_eq!(wrong(&spec(most + 1)).as_deref(), Some(message));
}

fn ending_in(more: &str) -> String {
    format!("{HEAD}{}{VALUES}{FIELD}{more}", chain(""))
}

fn chain_with(more: &str) -> String {
    format!("{HEAD}{}{VALUES}{FIELD}", chain(more))
}

fn entry(entry: &str) -> String {
    chain_with("").replace("[{ u64 = \"id\" }]", entry)
}

fn many(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect()
}

#[test]
fn a_spec_has_a_limited_number_of_comparisons() {
    at_most(200, "the spec has 201 fields; it may have 200", |count| {
        ending_in(&many(count - 1, |n| format!("[[field]]\ncolumn = \"c{n}\"\nvalue = \"state\"\n")))
    });
    at_most(200, "the spec has 201 conditions; it may have 200", |count| {
        ending_in(&many(count, |n| format!("[[condition]]\nname = \"n{n}\"\nholds = \"true\"\n")))
    });
}

#[test]
fn a_spec_has_a_limited_number_of_values_entries_and_touches() {
    at_most(200, "[values] has 201 values; at most 200 are read", |count| {
        ending_in("").replace(VALUES, &format!("{VALUES}{}", many(count - 2, |n| format!("v{n} = {{ path = \"\", type = \"text\" }}\n"))))
    });
    at_most(50, "[chain.also] has 51 entries; at most 50 are read", |count| {
        let also = many(count, |n| format!("[chain.also.e{n}]\nentry = \"instance\"\n"));
        let values = many(count, |n| format!("v{n} = {{ from = \"e{n}\", path = \"\", type = \"text\" }}\n"));
        chain_with(&also).replace(VALUES, &format!("{VALUES}{values}"))
    });
    at_most(50, "a spec has at most 50 of [[touch]]", |count| ending_in(&"[[touch]]\ntopics = [\"X\"]\nkey = \"data\"\n".repeat(count)));
}

#[test]
fn a_key_has_a_limited_number_of_columns() {
    at_most(32, "`key` names 33 columns; it should name 1 to 32", |count| {
        ending_in("").replace("key = \"id\"", &format!("key = [{}]", many(count, |n| format!("\"k{n}\", "))))
    });
}

#[test]
fn an_event_has_a_limited_number_of_topics() {
    let topics = |count: usize| format!("topics = [{}]", many(count, |_| "\"topic\", ".to_owned()));
    let message = "an event has 1 to 4 topics";
    at_most(4, message, |count| chain_with(&format!("enumerate = {{ events = {{ {}, id = \"data\" }} }}\n", topics(count))));
    at_most(4, message, |count| {
        ending_in(&format!("[provisional]\nwhen = \"true\"\nevent = {{ {}, id = \"data\", at = \"at\" }}\n", topics(count)))
    });
    let place = |index: usize| {
        ending_in(&format!("[provisional]\nwhen = \"true\"\nevent = {{ topics = [\"A\"], id = \"topics[{index}]\", at = \"at\" }}\n"))
    };
    at_most(3, "`id` in `event` in [provisional] is no place in an event", place);
}

#[test]
fn an_entry_has_a_limited_number_of_parts_however_they_nest() {
    let message = "an entry has at most 256 parts, 16 deep";
    at_most(256, message, |count| entry(&format!("[{}]", many(count, |_| "{ u32 = 1 }, ".to_owned()))));
    for (open, close) in [
        ("{ vec = [", "] }"),
        ("{ struct = { a = ", " } }"),
        ("{ map = [[{ symbol = \"a\" }, ", "]] }"),
        ("{ map = [[", ", { symbol = \"a\" }]] }"),
    ] {
        at_most(16, message, |deep| entry(&format!("{}{{ u64 = \"id\" }}{}", open.repeat(deep), close.repeat(deep))));
    }
}

#[test]
fn names_have_a_limited_length() {
    at_most(200, "a condition's name has 1 to 200 characters", |length| {
        ending_in(&format!("[[condition]]\nname = \"{}\"\nholds = \"true\"\n", "é".repeat(length)))
    });
    let issuer = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7";
    at_most(12, "`AAAAAAAAAAAAA` is not the code of an asset", |length| {
        let asset = format!("asset = \"{}:{issuer}\"", "A".repeat(length));
        format!("{HEAD}[chain]\nsource = \"asset_balance\"\nholder = \"id\"\n{asset}\n[[field]]\ncolumn = \"a\"\nvalue = \"balance\"\n")
    });
}

#[test]
fn numbers_have_a_limited_range() {
    let half = usize::try_from(i64::MAX / 2).expect("64 bits");
    for sign in ["", "-"] {
        at_most(half, "`first` in `counter` should lie between -4611686018427387903 and 4611686018427387903", |first| {
            chain_with(&format!("enumerate = {{ counter = {{ instance = \"N\", first = {sign}{first}, holds = \"last\" }} }}\n"))
        });
        at_most(half, "`first` in `element` in [chain] should lie between -4611686018427387903 and 4611686018427387903", |first| {
            chain_with(&format!("element = {{ of = \"\", index = \"id\", first = {sign}{first} }}\n"))
        });
    }
    at_most(38, "`decimals` in `asset` in [chain] should lie between 0 and 38", |decimals| {
        let asset = format!("asset = {{ contract = \"{CONTRACT}\", decimals = {decimals} }}");
        format!("{HEAD}[chain]\nsource = \"asset_balance\"\nholder = \"id\"\n{asset}\n[[field]]\ncolumn = \"a\"\nvalue = \"balance\"\n")
    });
    at_most(10, "`floor` is above `max_count`, which is 10", |floor| ending_in(&format!("[guard]\nmax_count = 10\nfloor = {floor}\n")));
}

#[test]
fn a_tolerance_has_a_limited_number_of_digits_on_each_side_of_its_point() {
    let with = |tolerance: &str| ending_in(&format!("[[field]]\ncolumn = \"total\"\nvalue = \"amount\"\ntolerance = \"{tolerance}\"\n"));
    for number in [|digits: String| format!("{digits}.1"), |digits: String| format!("1.{digits}"), |digits: String| digits] {
        let message = format!("`{}` is not a tolerance", number("1".repeat(79)));
        at_most(78, &message, |digits| with(&number("1".repeat(digits))));
    }
    for wrong_one in ["", ".5", "5.", ".", "1.2.3", "-1", "1e3", "%", "0x10"] {
        assert_eq!(wrong(&with(wrong_one)), Some(format!("`{wrong_one}` is not a tolerance")));
    }
}

#[test]
fn the_window_of_a_guard_lies_between_a_minute_and_a_day() {
    let wanted = "the window of the guard should lie between a minute and a day";
    for (secs, message) in [(59, Some(wanted)), (60, None), (86_400, None), (86_401, Some(wanted))] {
        assert_eq!(wrong(&ending_in(&format!("[guard]\nwindow = \"{secs} seconds\"\n"))).as_deref(), message, "{secs}");
    }
}

#[test]
fn a_file_has_a_limited_number_of_bytes() {
    at_most(256 * 1024, "the file has 262145 bytes; a spec has at most 262144", |bytes| {
        let spec = ending_in("");
        format!("{spec}{}", "#".repeat(bytes - spec.len()))
    });
}

#[test]
fn what_is_a_name_is_not_empty() {
    let counter =
        |symbol: &str| chain_with(&format!("enumerate = {{ counter = {{ instance = \"{symbol}\", first = 1, holds = \"last\" }} }}\n"));
    let events = |symbol: &str| chain_with(&format!("enumerate = {{ events = {{ topics = [\"{symbol}\"], id = \"data\" }} }}\n"));
    let event = |symbol: &str| {
        ending_in(&format!("[provisional]\nwhen = \"true\"\nevent = {{ topics = [\"{symbol}\"], id = \"data\", at = \"at\" }}\n"))
    };
    let function = |symbol: &str| {
        let chain = format!("source = \"view\"\ncontract = \"{CONTRACT}\"\nfunction = \"{symbol}\"\n");
        format!("{HEAD}[chain]\n{chain}{VALUES}{FIELD}")
    };
    for symbol in ["", "a b"] {
        let not = format!("`{symbol}` is not a symbol");
        assert_eq!(wrong(&counter(symbol)).as_ref(), Some(&not));
        assert_eq!(wrong(&event(symbol)).as_ref(), Some(&not));
        assert_eq!(wrong(&entry(&format!("[{{ symbol = \"{symbol}\" }}]"))).as_ref(), Some(&not));
        assert_eq!(wrong(&events(symbol)), Some(format!("{not}, and the first topic is one")));
        assert_eq!(wrong(&function(symbol)), Some(format!("`{symbol}` is not the name of a function")));
        let structure = wrong(&entry(&format!("{{ struct = {{ \"{symbol}\" = {{ u64 = \"id\" }} }} }}")));
        assert_eq!(structure, Some(format!("`{symbol}` cannot name a field of a struct")));
    }
    for spec in [counter("a"), events("a"), event("a"), function("a"), entry("{ struct = { a = { u64 = \"id\" } } }")] {
        assert_eq!(wrong(&spec), None);
    }
    assert_eq!(
        wrong(&ending_in("[[condition]]\nname = \" \"\nholds = \"true\"\n")).as_deref(),
        Some("a condition's name has 1 to 200 characters")
    );
}
