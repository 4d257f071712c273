//! Rows made of several entries, and rows that are elements of one.

use trueup_judge::Durability;
use trueup_spec::{Contract, ElementBy, Enumerate, KeyTemplate, Path, Soroban, Source, Spec, Tolerance};

const POOL: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

fn valid(key: &str, chain: &str, values: &str) -> (Spec, Soroban) {
    let text = format!(
        "kind = \"x\"\ntable = \"x\"\nkey = {key}\n[chain]\nsource = \"soroban\"\ncontract = \"{POOL}\"\n{chain}\n\
         [values]\nv = {{ path = \"\", type = \"numeric\" }}\n{values}\n[[field]]\ncolumn = \"v\"\nvalue = \"v\"\ntolerance = \"0.5%\"\n"
    );
    let spec = Spec::parse("x.toml", &text, &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
    match spec.source.clone() {
        Source::Soroban(soroban) => (spec, soroban),
        other => panic!("{other:?}"),
    }
}

fn symbol(text: &str) -> KeyTemplate {
    KeyTemplate::Symbol(text.to_owned())
}

#[test]
fn further_entries_share_the_contract_the_durability_and_the_arguments() {
    let chain = r#"
durability = "temporary"
entry = [{ symbol = "Share" }, { address = "wallet" }]
[chain.also.pool]
entry = [{ symbol = "Pool" }, { u32 = "pool_id" }]
durability = "persistent"
optional = true
[chain.also.token]
contract = { column = "token" }
entry = "instance"
[chain.also.hold]
entry = [{ symbol = "Hold" }, { address = "wallet" }]
"#;
    let values = "total = { from = \"pool\", path = \"total\", type = \"numeric\" }\n\
        supply = { from = \"token\", path = \"SUPPLY\", type = \"numeric\" }\n\
        held = { from = \"hold\", path = \"\", type = \"numeric\" }";
    let (spec, soroban) = valid("[\"wallet\", \"pool_id\", \"token\"]", chain, values);
    assert_eq!(spec.values.iter().map(|value| value.from).collect::<Vec<_>>(), [None, Some(0), Some(1), Some(2)]);
    let [pool, token, hold] = soroban.also.as_slice() else { panic!("{:?}", soroban.also) };
    assert_eq!((pool.durability, pool.optional, &pool.contract), (Durability::Persistent, true, &None));
    assert_eq!(pool.entry, KeyTemplate::Vec(vec![symbol("Pool"), KeyTemplate::Argument(1)]));
    assert!(matches!(&token.contract, Some(Contract::Column(column)) if column.text == "token"));
    assert_eq!(token.entry, KeyTemplate::Instance);
    assert_eq!((hold.durability, hold.optional), (Durability::Temporary, false));
    assert_eq!(soroban.arguments.iter().map(|argument| argument.sql.text.as_str()).collect::<Vec<_>>(), ["wallet", "pool_id", "wallet"]);
    assert_eq!(spec.fields[0].tolerance, Some(Tolerance::Percent("0.5".to_owned())));
}

#[test]
fn an_element_of_a_list_is_told_apart_by_its_position() {
    let chain = "entry = [{ symbol = \"Loan\" }, { u64 = \"loan_id\" }]\n\
        element = { of = \"schedule\", index = \"position\", first = 1, optional = true }\n\
        enumerate = { counter = { instance = \"LOANCNT\", first = 1, holds = \"last\" } }";
    let (spec, soroban) = valid("[\"position\", \"loan_id\"]", chain, "");
    let element = soroban.element.clone().expect("an element");
    assert_eq!(element.by, ElementBy::Position { argument: 1, first: 1 });
    assert_eq!((element.of, element.optional), (Path::parse("schedule").expect("a path"), true));
    assert_eq!(soroban.element_columns(&spec.key), Some(vec![0]));
    assert_eq!(soroban.parent_columns(&spec.key), Some(vec![1]));
}

#[test]
fn an_element_of_a_map_is_told_apart_by_its_key() {
    let chain = "entry = \"instance\"\n\
        element = { of = \"\", key = [{ symbol = \"Balance\" }, { address = \"wallet\" }] }\nenumerate = \"elements\"";
    let (spec, soroban) = valid("\"wallet\"", chain, "");
    assert_eq!(soroban.enumerate, Some(Enumerate::Elements));
    let key = KeyTemplate::Vec(vec![symbol("Balance"), KeyTemplate::Argument(0)]);
    assert_eq!(soroban.element.as_ref().map(|element| &element.by), Some(&ElementBy::Key(key)));
    assert_eq!(soroban.parent_columns(&spec.key), Some(vec![]));
}

#[test]
fn the_way_back_from_an_element_to_its_row_must_be_plain() {
    let columns = |element: &str| {
        let chain = format!("entry = [{{ u64 = \"id\" }}]\nelement = {{ of = \"\", {element} }}");
        let (spec, soroban) = valid("[\"id\", \"position\", \"at\"]", &chain, "");
        soroban.element_columns(&spec.key)
    };
    assert_eq!(columns("index = \"Position\""), Some(vec![1]));
    assert_eq!(columns("key = { vec = [{ u32 = \"position\" }, { u64 = \"at\" }] }"), Some(vec![1, 2]));
    assert_eq!(columns("key = { map = [[{ symbol = \"a\" }, { u32 = \"position\" }]] }"), Some(vec![1]));
    for not_plain in [
        "index = \"position - 1\"",
        "key = { u32 = \"7\" }",
        "key = { timepoint = \"at\" }",
        "key = { vec = [{ u32 = \"position\" }, { u32 = \"position\" }] }",
        "key = { map = [[{ u32 = \"position\" }, { u32 = \"at\" }]] }",
        "key = { vec = [{ map = [[{ u32 = \"position\" }, { u32 = \"at\" }]] }] }",
        "key = { map = [[{ symbol = \"a\" }, { map = [[{ u32 = \"position\" }, { symbol = \"b\" }]] }]] }",
    ] {
        assert_eq!(columns(not_plain), None, "{not_plain}");
    }
}
