//! No text makes the parser panic, and what is wrong always has a place in the file.

use proptest::prelude::*;
use trueup_spec::Spec;

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

/// Lines of which specs are made, sound and unsound.
const LINES: [&str; 30] = [
    "kind = \"loan\"",
    "table = 'App.\"Loans\"'",
    "key = [\"a\", \"b\"]",
    "key = \"é${X}\"",
    "where = \"\"\"\na = 'é'\n\"\"\"",
    "changed = \"u\"",
    "settle = { grace = \"1 hour\" }",
    "[chain]",
    "source = \"soroban\"",
    "source = \"transaction\"",
    "contract = \"${C}\"",
    "contract = { column = \"a\" }",
    "entry = [{ symbol = \"A\" }, { u64 = \"a\" }, { map = [[{ u32 = 1 }, { vec = [] }]] }]",
    "entry = \"instance\"",
    "enumerate = { counter = { instance = \"N\", first = 1, holds = \"last\" } }",
    "enumerate = { sql = \"select 1\" }",
    "hash = \"h\"",
    "state = \"s\"",
    "states = { pending = \"p\", succeeded = \"s\", failed = \"f\" }",
    "[values]",
    "v = { path = \"a[0][u32:1]\", type = \"numeric\", decimals = 7 }",
    "[[field]]",
    "column = \"c\"",
    "value = \"v\"",
    "value = \"chain.v * chain.é\"",
    "tolerance = \"0.1\"",
    "[[condition]]\nname = \"n\"\nholds = \"chain.v > 0\"",
    "[provisional]\nwhen = \"true\"\nevent = { topics = [\"A\", \"b\"], id = \"data\" }",
    "[insert]\n\"\" = \"key.a\"",
    "[repair]\nstale_value = \"update\"",
];

fn environment(name: &str) -> Option<String> {
    (name == "C").then(|| CONTRACT.to_owned())
}

fn has_places(text: &str) -> Result<(), TestCaseError> {
    let Err(errors) = Spec::parse("x.toml", text, &environment) else { return Ok(()) };
    prop_assert!(!errors.0.is_empty());
    for error in errors {
        let at = error.at.expect("an error of a text has a place");
        prop_assert!(at.line >= 1 && at.line <= text.split('\n').count() && at.column >= 1, "{}", error);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_text_is_a_spec_or_an_error_with_a_place(text in any::<String>()) {
        has_places(&text)?;
    }

    #[test]
    fn any_lines_of_specs_are_a_spec_or_an_error_with_a_place(lines in prop::collection::vec(prop::sample::select(&LINES[..]), 0..40)) {
        has_places(&lines.join("\n"))?;
    }

    #[test]
    fn any_damage_to_a_spec_is_an_error_with_a_place(at in 0..1_000_usize, with in any::<String>()) {
        let mut text = LINES.join("\n");
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.insert_str(at, &with);
        has_places(&text)?;
    }
}

#[test]
fn a_file_that_is_wrong_everywhere_is_reported_in_a_readable_number_of_errors() {
    let wrong = "{ x = 1 }, ".repeat(20_000);
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let names: String = (0..10_000).map(|number| format!("Key{number} = 1\n")).collect();
    for text in [format!("[chain]\nsource = \"soroban\"\nentry = [{wrong}]\n"), format!("entry = {nested}"), format!("[values]\n{names}")] {
        let errors = Spec::parse("x.toml", &text, &environment).expect_err("errors");
        assert!(errors.0.len() <= 100, "{}", errors.0.len());
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = "kind = \"x\"\r\ntable = \"x\"\r\nkey = \"id\"\r\nwhere = \"\"\"\r\na = 1\r\nand b\"\"\"\r\n\
        [chain]\r\nsource = \"soroban\"\r\ncontract = \"${C}\"\r\nentry = [{ u64 = \"id\" }]\r\n[[condition]]\r\nname = \"n\"\r\nholds = \"true\"\r\n";
    for text in [text.to_owned(), format!("\u{feff}{text}")] {
        let spec = Spec::parse("x.toml", &text, &environment).unwrap_or_else(|errors| panic!("{errors}"));
        let filter = spec.filter.as_ref().expect("a filter");
        let at = spec.error_in(filter, filter.text.chars().count() - 1, "no b", None).at.expect("a place");
        assert_eq!((filter.at.line, at.line, at.column), (5, 6, 5));
    }
}
