use stellar_xdr::{LedgerKey, ScVal};
use trueup_chain::{KeyError, key_texts, key_value, ledger_key};
use trueup_judge::Durability;
use trueup_spec::{Argument, ArgumentType, KeyTemplate, Position, Sql};

const CONTRACT: &str = "CBZJDM4CRWMIMHIDXIZUE7WB3ZAO6FKC3NIK2YT35335F2THKSHRHXDL";

fn arguments(kinds: &[ArgumentType]) -> Vec<Argument> {
    let at = Position { line: 1, column: 1 };
    kinds.iter().map(|kind| Argument { kind: *kind, sql: Sql { text: "id".to_owned(), at } }).collect()
}

fn texts(texts: &[Option<&str>]) -> Vec<Option<String>> {
    texts.iter().map(|text| text.map(str::to_owned)).collect()
}

fn symbol(text: &str) -> KeyTemplate {
    KeyTemplate::Symbol(text.to_owned())
}

fn rendered(value: &ScVal) -> String {
    serde_json::to_string(value).expect("renders")
}

#[test]
fn a_sharded_composite_key_is_built_from_its_arguments() {
    let template = KeyTemplate::Vec(vec![symbol("Loan"), KeyTemplate::Argument(0), KeyTemplate::Argument(1)]);
    let arguments = arguments(&[ArgumentType::U32, ArgumentType::U64]);
    let key = key_value(&template, &arguments, &texts(&[Some("5"), Some("37")])).expect("a key").expect("no NULL");
    assert_eq!(rendered(&key), r#"{"vec":[{"symbol":"Loan"},{"u32":5},{"u64":"37"}]}"#);
}

#[test]
fn a_map_key_is_sorted_as_the_chain_wants_it() {
    let template = KeyTemplate::Map(vec![(symbol("b"), KeyTemplate::Argument(0)), (symbol("a"), symbol("x"))]);
    let key = key_value(&template, &arguments(&[ArgumentType::Bool]), &texts(&[Some("t")])).expect("a key").expect("no NULL");
    assert_eq!(rendered(&key), r#"{"map":[{"key":{"symbol":"a"},"val":{"symbol":"x"}},{"key":{"symbol":"b"},"val":{"bool":true}}]}"#);
    let twice = KeyTemplate::Map(vec![(symbol("a"), symbol("x")), (symbol("a"), symbol("y"))]);
    assert_eq!(key_value(&twice, &[], &[]), Err(KeyError::Map));
}

#[test]
fn a_null_argument_means_that_there_is_no_key() {
    let template = KeyTemplate::Vec(vec![symbol("Position"), KeyTemplate::Argument(0)]);
    assert_eq!(key_value(&template, &arguments(&[ArgumentType::Address]), &texts(&[None])), Ok(None));
}

#[test]
fn a_template_without_arguments_needs_none_and_one_with_them_says_which_is_missing() {
    assert_eq!(key_value(&symbol("COUNTER"), &[], &[]).expect("a key").as_ref().map(rendered).as_deref(), Some(r#"{"symbol":"COUNTER"}"#));
    let error = key_value(&KeyTemplate::Argument(1), &arguments(&[ArgumentType::U32]), &texts(&[Some("1")]));
    assert_eq!(error, Err(KeyError::MissingArgument { index: 1, given: 1 }));
}

#[test]
fn the_instance_is_a_whole_key_and_always_persistent() {
    let key = key_value(&KeyTemplate::Instance, &[], &[]).expect("a key").expect("no NULL");
    let persistent = ledger_key(CONTRACT, key.clone(), Durability::Persistent).expect("a contract");
    assert_eq!(ledger_key(CONTRACT, key, Durability::Temporary), Ok(persistent.clone()));
    assert!(matches!(persistent, LedgerKey::ContractData(data) if data.key == ScVal::LedgerKeyContractInstance));
    assert_eq!(key_value(&KeyTemplate::Vec(vec![KeyTemplate::Instance]), &[], &[]), Err(KeyError::InstanceWithin));
}

#[test]
fn a_contract_is_a_contract_strkey() {
    for given in ["", "GAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAWHF", "it's 🦀"] {
        let error = ledger_key(given, ScVal::U32(1), Durability::Persistent).expect_err("no contract");
        assert!(matches!(error, KeyError::Contract { .. }) && error.to_string().contains(given));
    }
}

#[test]
fn an_enumerated_key_gives_one_text_for_each_key_column() {
    let pair = ScVal::try_from(vec![ScVal::U32(7), ScVal::from(-5_i128)]).expect("a vec");
    assert_eq!(key_texts(&pair, 2), Ok(vec!["7".to_owned(), "-5".to_owned()]));
    assert_eq!(key_texts(&ScVal::U64(9), 1), Ok(vec!["9".to_owned()]));
    for (element, columns) in [(&pair, 1), (&pair, 3), (&ScVal::U64(9), 2), (&ScVal::Void, 1)] {
        assert!(key_texts(element, columns).is_err(), "{element:?} for {columns}");
    }
}
