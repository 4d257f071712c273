//! Where in the file things stand, for those who point there.

use trueup_spec::{Position, Spec, SpecErrors};

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

fn parse(head: &str) -> Result<Spec, SpecErrors> {
    let chain = format!("[chain]\nsource = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]\n");
    let text = format!("{head}\nkind = \"x\"\ntable = \"x\"\nkey = \"id\"\n{chain}[[condition]]\nname = \"n\"\nholds = \"true\"\n");
    Spec::parse("x.toml", &text, &|_| None)
}

#[test]
fn a_string_begins_behind_its_quotes_and_the_line_break_after_them() {
    for (written, line, column) in [
        ("\"a\"", 1, 10),
        ("'a'", 1, 10),
        ("\"\"\"a\"\"\"", 1, 12),
        ("'''a'''", 1, 12),
        ("\"\"\"\na\"\"\"", 2, 1),
        ("'''\na'''", 2, 1),
        ("\"\"\"\r\na\"\"\"", 2, 1),
        ("'''\r\na'''", 2, 1),
        ("'''\n\na'''", 2, 1),
        ("''' \na'''", 1, 12),
        ("\"\\na\"", 1, 10),
    ] {
        let spec = parse(&format!("where = {written}")).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(spec.filter.map(|sql| sql.at), Some(Position { line, column }), "{written}");
    }
}

#[test]
fn an_unset_variable_is_found_behind_one_that_is_escaped() {
    let errors = parse("where = \"'$${X}' = ${X}\"").expect_err("no variable");
    assert_eq!(errors.0[0].at, Some(Position { line: 1, column: 20 }));
}

#[test]
fn errors_stand_one_after_the_other_with_a_line_between_them() {
    let errors = parse("one = 1\ntwo = 2").expect_err("unknown keys");
    let each: Vec<_> = errors.0.iter().map(ToString::to_string).collect();
    assert!(each.len() == 2 && each[0].starts_with("x.toml:1:1: ") && each[1].starts_with("x.toml:2:1: "), "{each:?}");
    assert_eq!(errors.to_string(), each.join("\n\n"));
}

#[test]
fn a_tab_stays_one_so_that_the_caret_stands_under_its_character() {
    let errors = parse("where\t= 1").expect_err("no string");
    assert_eq!(errors.0[0].to_string().lines().last(), Some("  |      \t  ^"));
}
