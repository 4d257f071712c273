//! What each source says of itself, and which events a spec is about.

use trueup_judge::{Class, Durability};
use trueup_spec::{
    ACCOUNT_VALUES, ASSET_BALANCE_VALUES, Argument, ArgumentType, Asset, Carrier, Contract, EventPart, EventPath, EventTopic, KeyTemplate,
    Path, Source, Spec,
};

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";
const OTHER: &str = "CAAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQCAIBAEAQC526";
const ISSUER: &str = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7";

/// A spec with this `[chain]`, and `more` behind it.
fn spec(chain: &str, more: &str) -> Spec {
    let key = if chain.contains("\"transaction\"") { "" } else { "key = [\"wallet\", \"code\", \"issuer\"]\n" };
    let text = format!("kind = \"x\"\ntable = \"x\"\n{key}[chain]\n{chain}\n{more}\n[[condition]]\nname = \"n\"\nholds = \"true\"\n");
    Spec::parse("x.toml", &text, &|_| None).unwrap_or_else(|errors| panic!("{errors}"))
}

fn arguments(spec: &Spec) -> Vec<(ArgumentType, &str)> {
    spec.source.arguments().iter().map(|Argument { kind, sql }| (*kind, sql.text.as_str())).collect()
}

fn fixed(address: &str) -> Contract {
    Contract::Fixed(address.to_owned())
}

fn balance(asset: &str) -> Spec {
    spec(&format!("source = \"asset_balance\"\nasset = {asset}\nholder = \"wallet\""), "")
}

fn view() -> Spec {
    let call = "function = \"get_price\"\narguments = [{ symbol = \"USD\" }, { address = \"issuer\" }]";
    spec(&format!("source = \"view\"\ncontract = \"{CONTRACT}\"\n{call}"), "[values]\nprice = { path = \"\", type = \"numeric\" }")
}

fn account() -> Spec {
    spec("source = \"account\"\naccount = \"wallet\"", "")
}

fn entries(contract: &str, more: &str) -> Spec {
    spec(&format!("source = \"soroban\"\ncontract = {contract}\nentry = [{{ address = \"wallet\" }}]\n"), more)
}

fn transactions(more: &str) -> Spec {
    let states = "states = { pending = \"open\", succeeded = \"done\", failed = \"bad\" }";
    spec(&format!("source = \"transaction\"\nhash = \"hash\"\nstate = \"state\"\n{states}\n{more}"), "")
}

#[test]
fn an_asset_is_the_networks_own_an_issued_one_one_of_columns_or_a_tokens() {
    let asset = |written: &str| match balance(written).source {
        Source::AssetBalance(balance) => (balance.asset, balance.holder),
        other => panic!("{other:?}"),
    };
    assert_eq!(asset("\"native\""), (Asset::Native, 0));
    for code in ["A", "USDC", "ABCDEFGHIJ12"] {
        let issued = Asset::Issued { code: code.to_owned(), issuer: ISSUER.to_owned() };
        assert_eq!(asset(&format!("\"{code}:{ISSUER}\"")), (issued, 0));
    }
    assert_eq!(asset("{ code = \"code\", issuer = \"issuer\" }"), (Asset::Arguments { code: 0, issuer: 1 }, 2));
    let token = |contract, decimals| (Asset::Token { contract, decimals }, 0);
    assert_eq!(asset(&format!("{{ contract = \"{CONTRACT}\" }}")), token(fixed(CONTRACT), 7));
    assert_eq!(asset(&format!("{{ contract = \"{CONTRACT}\", decimals = 18 }}")), token(fixed(CONTRACT), 18));
}

#[test]
fn an_asset_without_a_code_or_of_no_account_is_none() {
    for asset in [format!(":{ISSUER}"), format!("US DC:{ISSUER}"), "USDC:".to_owned(), "USDC:native".to_owned()] {
        let chain = format!("[chain]\nsource = \"asset_balance\"\nasset = \"{asset}\"\nholder = \"id\"\n");
        let text = format!("kind = \"x\"\ntable = \"x\"\nkey = \"id\"\n{chain}[[field]]\ncolumn = \"a\"\nvalue = \"balance\"\n");
        assert!(Spec::parse("x.toml", &text, &|_| None).is_err(), "{asset}");
    }
}

#[test]
fn arguments_are_what_a_row_tells_the_chain() {
    let wallet = (ArgumentType::Address, "wallet");
    assert_eq!(arguments(&entries(&format!("\"{CONTRACT}\""), "")), [wallet]);
    assert_eq!(arguments(&account()), [wallet]);
    assert_eq!(arguments(&view()), [(ArgumentType::Address, "issuer")]);
    assert_eq!(arguments(&transactions("")), []);
    let columns = balance("{ code = \"code\", issuer = \"issuer\" }");
    assert_eq!(arguments(&columns), [(ArgumentType::String, "code"), (ArgumentType::Address, "issuer"), wallet]);
    assert_eq!(columns.key.iter().map(|key| key.text.as_str()).collect::<Vec<_>>(), ["wallet", "code", "issuer"]);
}

#[test]
fn the_contract_is_the_one_that_is_read() {
    let column = entries("{ column = \"issuer\" }", "");
    assert!(matches!(column.source.contract(), Some(Contract::Column(column)) if column.text == "issuer"));
    assert_eq!(entries(&format!("\"{CONTRACT}\""), "").source.contract(), Some(&fixed(CONTRACT)));
    assert_eq!(view().source.contract(), Some(&fixed(CONTRACT)));
    assert_eq!(balance(&format!("{{ contract = \"{OTHER}\" }}")).source.contract(), Some(&fixed(OTHER)));
    for none in [balance("\"native\""), account(), transactions("")] {
        assert_eq!(none.source.contract(), None);
    }
}

#[test]
fn a_view_is_called_with_parts_like_those_of_an_entry() {
    let Source::View(view) = view().source else { panic!("a view") };
    assert_eq!(view.function, "get_price");
    assert_eq!(view.parameters, [KeyTemplate::Symbol("USD".to_owned()), KeyTemplate::Argument(0)]);
}

#[test]
fn balances_and_accounts_have_their_values_given() {
    let values = |spec: Spec| spec.values.into_iter().map(|value| (value.name.text, value.carrier)).collect::<Vec<_>>();
    let given = |values: &[(&str, Carrier)]| values.iter().map(|(name, carrier)| ((*name).to_owned(), *carrier)).collect::<Vec<_>>();
    assert_eq!(values(balance("\"native\"")), given(&ASSET_BALANCE_VALUES));
    assert_eq!(values(account()), given(&ACCOUNT_VALUES));
}

#[test]
fn only_entries_say_with_enumerate_which_keys_there_are() {
    let listed = format!("\"{CONTRACT}\"\nenumerate = {{ list = {{ entry = [{{ symbol = \"All\" }}] }} }}");
    assert!(entries(&listed, "").source.enumerate().is_some());
    for none in [entries(&format!("\"{CONTRACT}\""), ""), balance("\"native\""), account(), view(), transactions("")] {
        assert!(none.source.enumerate().is_none());
        assert_eq!(none.enumerating_events(), None);
    }
}

#[test]
fn a_missing_row_of_a_transaction_is_a_missed_event() {
    assert_eq!(transactions("").class_of_missing(), Class::MissedEvent);
    for spec in [entries(&format!("\"{CONTRACT}\""), ""), balance("\"native\""), account(), view()] {
        assert_eq!(spec.class_of_missing(), Class::MissingRow);
    }
}

#[test]
fn touches_are_of_the_contract_that_they_name_or_of_the_specs_own() {
    let touch = |contract: &str| {
        format!(
            "[[touch]]\n{contract}topics = [\"PAID\", \"*\"]\nkey = [\"topics[1]\", \"data.code\", \"data.issuer\"]\nafter = \"1 minute\"\n"
        )
    };
    let named = format!("contract = \"{OTHER}\"\n");
    let both = entries(&format!("\"{CONTRACT}\""), &format!("{}{}", touch(""), touch(&named)));
    assert_eq!(both.touching_contracts().collect::<Vec<_>>(), [CONTRACT, OTHER]);
    let first = &both.touches[0];
    assert_eq!((first.contract.as_deref(), first.after_secs), (None, 60));
    assert_eq!(first.topics, [EventTopic::Is("PAID".to_owned()), EventTopic::Any]);
    let data = |path: &str| EventPath { part: EventPart::Data, path: Path::parse(path).expect("a path") };
    assert_eq!(first.key, [EventPath { part: EventPart::Topic(1), path: Path::default() }, data("code"), data("issuer")]);

    let of_another = spec("source = \"account\"\naccount = \"wallet\"", &touch(&named));
    assert_eq!(of_another.touching_contracts().collect::<Vec<_>>(), [OTHER]);
    assert_eq!(account().touching_contracts().count(), 0);
}

#[test]
fn a_touch_of_transactions_names_no_key() {
    let text = |touch: &str| {
        let states = "states = { pending = \"open\", succeeded = \"done\", failed = \"bad\" }";
        let chain = format!("[chain]\nsource = \"transaction\"\nhash = \"hash\"\nstate = \"state\"\n{states}\n");
        let events = format!("enumerate = {{ events = {{ contract = \"{CONTRACT}\", topics = [\"PAID\"] }} }}\n");
        format!("kind = \"x\"\ntable = \"x\"\n{chain}{events}[[touch]]\ntopics = [\"PAID\"]\n{touch}")
    };
    let spec = Spec::parse("x.toml", &text(""), &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((spec.touches.len(), spec.touches[0].key.len()), (1, 0));
    assert_eq!(spec.touching_contracts().collect::<Vec<_>>(), [CONTRACT]);
    let errors = Spec::parse("x.toml", &text("key = \"data\"\n"), &|_| None).expect_err("a key");
    assert_eq!(errors.0[0].message, "the key of a transaction is its hash, which every event names");
}

#[test]
fn the_elements_of_an_instance_are_found_by_events_too() {
    let chain = format!(
        "source = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = \"instance\"\nelement = {{ of = \"\", key = {{ address = \"wallet\" }} }}"
    );
    let events = "enumerate = { events = { topics = [\"NEW\"], id = [\"data[0]\", \"data[1]\", \"data[2]\"] } }";
    let spec = spec(&format!("{chain}\n{events}"), "");
    assert_eq!(spec.enumerating_events().map(|events| events.topics.as_slice()), Some([EventTopic::Is("NEW".to_owned())].as_slice()));
    let Source::Soroban(soroban) = spec.source else { panic!("an entry") };
    assert_eq!((soroban.entry, soroban.durability), (KeyTemplate::Instance, Durability::Persistent));
}
