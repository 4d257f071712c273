//! What docs/spec.md shows is what the parser takes.

use trueup_spec::{ArgumentType, Spec};

const REFERENCE: &str = include_str!("../../../docs/spec.md");
const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

/// The TOML blocks of the reference.
fn blocks() -> impl Iterator<Item = &'static str> {
    REFERENCE.split("```toml\n").skip(1).filter_map(|rest| rest.split("\n```").next())
}

fn assert_valid(text: &str) {
    if let Err(errors) = Spec::parse("docs/spec.md", text, &|_| Some(CONTRACT.to_owned())) {
        panic!("{errors}\n\n{text}");
    }
}

#[test]
fn every_whole_spec_of_the_reference_is_valid() {
    let whole: Vec<_> = blocks().filter(|block| block.starts_with("kind")).collect();
    assert!(whole.len() >= 9, "the reference shows {} whole specs", whole.len());
    whole.into_iter().for_each(assert_valid);
}

#[test]
fn every_part_of_a_spec_in_the_reference_is_valid_in_its_place() {
    let head = "kind = \"x\"\ntable = \"x\"\nkey = \"loan_id\"\n";
    let chain = format!("[chain]\nsource = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"loan_id\" }}]\n");
    let values = ["status", "owner", "tier", "due_at"].map(|name| format!("{name} = {{ path = \"{name}\", type = \"text\" }}\n")).concat();
    let values = format!("[values]\n{values}total = {{ path = \"t\", type = \"numeric\" }}\n");
    let comparison = "[[condition]]\nname = \"c\"\nholds = \"true\"\n";
    for block in blocks().filter(|block| !block.starts_with("kind")) {
        if block.lines().any(|line| line == "[chain]") {
            let head = if block.starts_with("key") { head.replace("key = \"loan_id\"\n", "") } else { head.to_owned() };
            assert_valid(&format!("{head}{block}\n{comparison}"));
        } else if block.starts_with("[values]") {
            assert_valid(&format!("{head}{chain}{block}\n{comparison}"));
        } else if block.starts_with('[') {
            assert_valid(&format!("{head}{chain}{values}{comparison}{block}"));
        } else {
            assert_valid(&format!("{head}{block}\n{chain}{values}{comparison}"));
        }
    }
}

#[test]
fn every_entry_of_the_table_of_contract_types_is_valid() {
    let table = REFERENCE.split("## Contract types").nth(1).and_then(|rest| rest.split("## Examples").next()).expect("the table");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| ") && line.contains('`')).skip(1).collect();
    assert!(rows.len() >= 12, "the table has {} rows", rows.len());
    for row in rows {
        let entry = row.trim_end_matches(" |").rsplit(" | ").next().expect("a cell").trim_matches('`');
        assert_valid(&format!(
            "kind = \"x\"\ntable = \"x\"\nkey = \"id\"\n[chain]\nsource = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = {entry}\n\
             [[condition]]\nname = \"c\"\nholds = \"true\"\n"
        ));
    }
}

#[test]
fn every_type_of_a_part_is_in_the_reference() {
    for kind in ArgumentType::ALL {
        assert!(REFERENCE.contains(&format!("`{}`", kind.as_str())) || REFERENCE.contains(&format!("{{ {} = ", kind.as_str())), "{kind:?}");
    }
}
