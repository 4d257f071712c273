//! Whole specs, from their text to what they say.

use trueup_judge::{Class, Durability, LimitedBy, Limits, Repair, Share};
use trueup_spec::{
    Argument, ArgumentType, Carrier, Contract, CounterAt, CounterHolds, Enumerate, EventPart, EventPath, EventTopic, FieldValue,
    KeyTemplate, Path, Priority, Source, Spec, SpecErrors, Tolerance, Topic,
};

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

fn parse(text: &str) -> Result<Spec, SpecErrors> {
    Spec::parse("specs/loan.toml", text, &|name| (name == "LOAN_CONTRACT").then(|| CONTRACT.to_owned()))
}

fn valid(text: &str) -> Spec {
    parse(text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn symbol(text: &str) -> KeyTemplate {
    KeyTemplate::Symbol(text.to_owned())
}

fn path(text: &str) -> Path {
    Path::parse(text).expect("a path")
}

const LOAN: &str = r#"
kind    = "loan"
table   = "public.loans"
key     = "loan_id"                       # or a list; the chain key. The row identity is the table's primary key
where   = "status <> 'rejected'"          # optional; rows outside it are exempt, not missing
changed = "updated_at"                    # optional; used by the settling rule

[chain]
source     = "soroban"
contract   = "${LOAN_CONTRACT}"
durability = "persistent"
entry      = [{ symbol = "Loan" }, { u32 = "loan_id::bigint % 32" }, { u64 = "loan_id" }]
enumerate  = { counter = { instance = "LOANCNT", first = 1, holds = "last" } }

[values]
status   = { path = "status",            type = "text" }
balance  = { path = "remaining_balance", type = "numeric", decimals = 7 }
released = { path = "released",          type = "numeric", decimals = 7 }
total    = { path = "total_amount",      type = "numeric", decimals = 7 }

[[field]]
column = "status"
value  = "status"
map    = { Pending = "pending", Active = "active", Paid = "completed", Defaulted = "defaulted" }
class  = "stale_status"

[[field]]
column    = "remaining_balance"
value     = "balance"
tolerance = "0"

[[condition]]
name     = "released within total"
holds    = "chain.released <= chain.total"
priority = "critical"

[provisional]
when        = "loan_id like 'pending-%'"
transaction = "tx_hash"
event       = { topics = ["LOANCRTD", "user_wallet"], id = "data[0]", match = { amount = "data[1]" }, within = "1 hour" }
references  = ["public.loan_payments.loan_id"]

[repair]
stale_status   = "update"
stale_value    = "update"
provisional_id = "resolve"
"#;

#[test]
fn the_loan_spec_says_what_it_means() {
    let spec = valid(LOAN);
    assert_eq!(spec.kind.0, "loan");
    assert_eq!((spec.table.schema.as_str(), spec.table.table.as_str()), ("public", "loans"));
    assert_eq!(spec.key.iter().map(|key| key.text.as_str()).collect::<Vec<_>>(), ["loan_id"]);
    assert_eq!((spec.key[0].at.line, spec.key[0].at.column), (4, 12));
    assert_eq!(spec.filter.as_ref().map(|sql| sql.text.as_str()), Some("status <> 'rejected'"));
    assert_eq!(spec.grace_secs, 10);

    let Source::Soroban(soroban) = &spec.source else { panic!("{:?}", spec.source) };
    assert_eq!(soroban.contract, Contract::Fixed(CONTRACT.to_owned()));
    assert_eq!(soroban.durability, Durability::Persistent);
    assert_eq!(soroban.entry, KeyTemplate::Vec(vec![symbol("Loan"), KeyTemplate::Argument(0), KeyTemplate::Argument(1)]));
    let arguments: Vec<_> = soroban.arguments.iter().map(|Argument { kind, sql }| (*kind, sql.text.as_str())).collect();
    assert_eq!(arguments, [(ArgumentType::U32, "loan_id::bigint % 32"), (ArgumentType::U64, "loan_id")]);
    let counter = Enumerate::Counter { at: CounterAt::Instance("LOANCNT".to_owned()), first: 1, holds: CounterHolds::Last };
    assert_eq!(soroban.enumerate, Some(counter));

    let values: Vec<_> = spec.values.iter().map(|it| (it.name.text.as_str(), it.path.to_string(), it.carrier, it.decimals)).collect();
    assert_eq!(values[0], ("status", "status".to_owned(), Carrier::Text, 0));
    assert_eq!(values[1], ("balance", "remaining_balance".to_owned(), Carrier::Numeric, 7));
    assert_eq!(values.iter().map(|value| value.0).collect::<Vec<_>>(), ["status", "balance", "released", "total"]);

    assert_eq!(spec.fields[0].class, Class::StaleStatus);
    assert_eq!(spec.fields[0].map[0], ("Pending".to_owned(), "pending".to_owned()));
    assert_eq!(spec.fields[1].value, FieldValue::Value(1));
    assert_eq!(spec.fields[1].tolerance, Some(Tolerance::Absolute("0".to_owned())));
    assert_eq!(spec.fields[1].class, Class::StaleValue);
    assert_eq!(spec.conditions[0].priority, Priority::Critical);

    let provisional = spec.provisional.expect("provisional rows");
    let event = provisional.event.expect("an event");
    assert_eq!(provisional.transaction.map(|it| it.text).as_deref(), Some("tx_hash"));
    assert_eq!(event.topics[0], Topic::Symbol("LOANCRTD".to_owned()));
    assert!(matches!(&event.topics[1], Topic::Column(column) if column.text == "user_wallet"));
    assert_eq!(event.id, [EventPath { part: EventPart::Data, path: path("[0]") }]);
    assert_eq!(event.matches[0].column.text, "amount");
    assert_eq!(event.within_secs, 3_600);
    assert_eq!(provisional.references[0].table.table, "loan_payments");
    assert_eq!(spec.repair.get(&Class::StaleStatus), Some(&Repair::Update));
    assert_eq!(spec.repair.get(&Class::ProvisionalId), Some(&Repair::Resolve));
}

/// A spec around a `[chain]` and what else matters.
fn around(head: &str, chain: &str, rest: &str) -> String {
    format!("kind = \"x\"\ntable = \"x\"\n{head}\n[chain]\n{chain}\n{rest}")
}

const ONE_VALUE: &str = "[values]\nv = { path = \"\", type = \"numeric\" }\n[[field]]\ncolumn = \"v\"\nvalue = \"v\"\n";

fn soroban(key: &str, chain: &str) -> trueup_spec::Soroban {
    let chain = format!("source = \"soroban\"\n{chain}");
    match valid(&around(&format!("key = {key}"), &chain, ONE_VALUE)).source {
        Source::Soroban(soroban) => soroban,
        other => panic!("{other:?}"),
    }
}

fn entry(text: &str) -> (KeyTemplate, Vec<(ArgumentType, String)>) {
    let soroban = soroban("\"id\"", &format!("contract = \"${{LOAN_CONTRACT}}\"\nentry = {text}"));
    (soroban.entry, soroban.arguments.into_iter().map(|it| (it.kind, it.sql.text)).collect())
}

#[test]
fn an_entry_is_a_list_a_part_or_the_instance() {
    assert_eq!(entry("\"instance\"").0, KeyTemplate::Instance);
    assert_eq!(entry("{ symbol = \"COUNTER\" }").0, symbol("COUNTER"));
    assert_eq!(entry("[{ symbol = \"COUNTER\" }]").0, KeyTemplate::Vec(vec![symbol("COUNTER")]));
    assert_eq!(entry("{ symbol = { sql = \"code\" } }"), (KeyTemplate::Argument(0), vec![(ArgumentType::Symbol, "code".to_owned())]));
}

#[test]
fn every_type_can_be_a_part_of_a_key() {
    for kind in ArgumentType::ALL.into_iter().filter(|kind| *kind != ArgumentType::Symbol) {
        assert_eq!(entry(&format!("{{ {} = \"id\" }}", kind.as_str())), (KeyTemplate::Argument(0), vec![(kind, "id".to_owned())]));
    }
    assert_eq!(entry("{ u32 = 7 }"), (KeyTemplate::Argument(0), vec![(ArgumentType::U32, "7".to_owned())]));
}

#[test]
fn parts_nest() {
    let text = r#"[{ symbol = "K" }, { vec = [{ u32 = "a" }, { vec = [] }] }, { struct = { b = { u64 = "b" }, a = { bool = "c" } } }, { map = [[{ u32 = "d" }, { address = "e" }]] }]"#;
    let (template, arguments) = entry(text);
    let expected = KeyTemplate::Vec(vec![
        symbol("K"),
        KeyTemplate::Vec(vec![KeyTemplate::Argument(0), KeyTemplate::Vec(vec![])]),
        KeyTemplate::Map(vec![(symbol("b"), KeyTemplate::Argument(1)), (symbol("a"), KeyTemplate::Argument(2))]),
        KeyTemplate::Map(vec![(KeyTemplate::Argument(3), KeyTemplate::Argument(4))]),
    ]);
    assert_eq!(template, expected);
    assert_eq!(arguments.iter().map(|(_, sql)| sql.as_str()).collect::<Vec<_>>(), ["a", "b", "c", "d", "e"]);
}

#[test]
fn keys_are_enumerated_by_a_counter_a_list_or_sql() {
    let enumerate = |text: &str| {
        let chain = format!("contract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]\nenumerate = {text}");
        soroban("\"id\"", &chain).enumerate.expect("an enumeration")
    };
    let counter =
        enumerate(r#"{ counter = { entry = [{ symbol = "Count" }], durability = "temporary", path = "n", first = 0, holds = "next" } }"#);
    let at = CounterAt::Entry { entry: KeyTemplate::Vec(vec![symbol("Count")]), durability: Durability::Temporary, path: path("n") };
    assert_eq!(counter, Enumerate::Counter { at, first: 0, holds: CounterHolds::Next });
    let list = enumerate(r#"{ list = { entry = "instance", path = "LOANS" } }"#);
    assert_eq!(list, Enumerate::List { entry: KeyTemplate::Instance, durability: Durability::Persistent, path: path("LOANS") });
    assert!(matches!(enumerate(r#"{ sql = "select id from known" }"#), Enumerate::Query(sql) if sql.text == "select id from known"));
}

#[test]
fn each_row_may_name_its_contract() {
    let chain = "contract = { column = \"address\" }\nentry = \"instance\"\nenumerate = { sql = \"select address from known\" }";
    assert!(matches!(soroban("\"address\"", chain).contract, Contract::Column(column) if column.text == "address"));
}

#[test]
fn names_are_those_of_the_catalog() {
    let chain = format!("source = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = '\"Id\"' }}]");
    let text =
        around("key = [\"Id\", '\"Of \"\"it\"\"\"']", &chain, ONE_VALUE).replace("table = \"x\"", r#"table = 'App."My ""Loans""."'"#);
    let spec = valid(&text);
    assert_eq!((spec.table.schema.as_str(), spec.table.table.as_str()), ("app", "My \"Loans\"."));
    assert_eq!(spec.key.iter().map(|key| key.text.as_str()).collect::<Vec<_>>(), ["Id", "Of \"it\""]);
}

#[test]
fn a_field_is_a_value_or_sql_of_a_type() {
    let rest = r#"
[values]
yes = { path = "yes", type = "numeric" }
no  = { path = "no",  type = "numeric", optional = true }

[[field]]
column    = "odds"
value     = "chain.yes / (chain.yes + chain.no)"
tolerance = 0

[[field]]
column = "meta"
value  = "chain.yes::text"
type   = "text"
read   = "db.meta->>'yes'"
write  = "jsonb_set(db.meta, '{yes}', to_jsonb(chain.yes::text))"

[[field]]
column = "yes"
value  = "chain.yes"
"#;
    let chain = format!("source = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]");
    let spec = valid(&around("key = \"id\"", &chain, rest));
    let carriers: Vec<_> =
        spec.fields.iter().map(|field| matches!(&field.value, FieldValue::Sql(_, it) if *it == Carrier::Numeric)).collect();
    assert_eq!(carriers, [true, false, false]);
    assert_eq!(spec.fields[2].value, FieldValue::Value(0));
    assert_eq!(spec.fields[0].tolerance, Some(Tolerance::Absolute("0".to_owned())));
    assert!(spec.values[1].optional);
    assert!(spec.fields[1].write.is_some());
}

#[test]
fn a_new_row_takes_from_insert_what_no_field_can_give_it() {
    let rest = "[values]\ntier = { path = \"tier\", type = \"text\" }\n\
        [[field]]\ncolumn = \"meta\"\nvalue = \"tier\"\nread = \"db.meta->>'tier'\"\nwrite = \"db.meta || to_jsonb(chain.tier)\"\n\
        [insert]\nmeta = \"jsonb_build_object('tier', chain.tier, 'id', key.id)\"\n";
    let chain = format!("source = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]");
    let spec = valid(&around("key = \"id\"", &chain, rest));
    assert_eq!(spec.insert[0].0.text, "meta");
}

#[test]
fn a_spec_of_transactions_has_its_values_and_its_state_given() {
    let chain = "source = \"transaction\"\nhash = \"tx_hash\"\nstate = \"status\"\nsubmitted = \"created_at\"\n\
        states = { pending = \"pending\", succeeded = \"success\", failed = \"failed\", expired = \"failed\" }";
    let rest = "[[field]]\ncolumn = \"ledger\"\nvalue = \"ledger\"\n[repair]\norphaned_pending_transaction = \"update\"\n";
    let spec = valid(&around("", chain, rest));
    let Source::Transaction(transaction) = &spec.source else { panic!("{:?}", spec.source) };
    assert_eq!((transaction.pending.as_str(), transaction.expired.as_deref()), ("pending", Some("failed")));
    assert_eq!(spec.key[0].text, "tx_hash");
    let names: Vec<_> = spec.values.iter().map(|value| value.name.text.as_str()).collect();
    assert_eq!(names, ["status", "result_code", "ledger", "closed_at", "fee_charged"]);
    assert_eq!(spec.fields[0].column.text, "status");
    assert_eq!(spec.fields[0].class, Class::OrphanedPendingTransaction);
    assert_eq!(spec.fields[0].map[0], ("SUCCESS".to_owned(), "success".to_owned()));
    assert_eq!(spec.fields[1].value, FieldValue::Value(2));
}

#[test]
fn settling_has_a_default_and_can_be_set() {
    let chain = format!("source = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]");
    let grace = |head: &str| valid(&around(&format!("key = \"id\"\n{head}"), &chain, ONE_VALUE)).grace_secs;
    assert_eq!(grace(""), 0);
    assert_eq!(grace("changed = \"updated_at\""), 10);
    assert_eq!(grace("changed = \"updated_at\"\nsettle = { grace = \"5 minutes\" }"), 300);
}

#[test]
fn the_guard_has_a_default_and_each_limit_can_be_set() {
    let chain = format!("source = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]");
    let guard = |text: &str| valid(&around("key = \"id\"", &chain, &format!("{ONE_VALUE}{text}"))).guard;
    assert_eq!(guard(""), Limits { max_share: Share::percent(25).expect("a share"), max_count: None, floor: 50, window_secs: 3_600 });
    let strict = guard("[guard]\nmax_share = \"0.5 %\"\nmax_count = 1000\nfloor = 0\n");
    assert_eq!((strict.max_share.to_string().as_str(), strict.max_count, strict.floor), ("0.5%", Some(1000), 0));
    assert_eq!(guard("[guard]\nmax_share = \"100%\"\n").max_share, Share::ALL);
    assert_eq!(
        guard("[guard]\nmax_count = 10\n").allowed(1_000),
        (10, LimitedBy::Count),
        "the floor of a spec that names none does not lift its count"
    );
}

#[test]
fn later_checks_can_point_into_an_expression() {
    let spec = valid(LOAN);
    let error = spec.error_in(&spec.conditions[0].holds, 9, "column \"released\" does not exist", None);
    assert_eq!(error.to_string().lines().next(), Some("specs/loan.toml:34:22: column \"released\" does not exist"));
    assert_eq!(error.at.map(|at| at.line), Some(34));
}

#[test]
fn events_name_keys_and_transactions() {
    let counter = "{ counter = { instance = \"LOANCNT\", first = 1, holds = \"last\" } }";
    let events = "{ events = { topics = [\"LOANCRTD\", \"*\", 7], id = \"data[0]\", after = \"1 minute\", since = 123 } }";
    let spec = valid(&LOAN.replace(counter, events));
    let filter = spec.enumerating_events().expect("events");
    let is = |text: &str| EventTopic::Is(text.to_owned());
    assert_eq!(filter.topics, [is("LOANCRTD"), EventTopic::Any, is("7")]);
    assert_eq!((filter.after_secs, filter.since), (60, Some(123)));
    assert_eq!((spec.event_contract(), spec.class_of_missing()), (Some(CONTRACT), Class::MissingRow));

    let spec = valid(
        "kind = \"t\"\ntable = \"t\"\n[chain]\nsource = \"transaction\"\nhash = \"hash\"\nstate = \"state\"\n\
         states = { pending = \"open\", succeeded = \"done\", failed = \"bad\" }\n\
         enumerate = { events = { contract = \"${LOAN_CONTRACT}\", topics = [\"LOANREPD\"] } }\n\
         [insert]\nnote = \"key.hash\"\n[repair]\nmissed_event = \"insert\"\n",
    );
    let filter = spec.enumerating_events().expect("events");
    assert_eq!((filter.topics.as_slice(), filter.after_secs, filter.since), ([is("LOANREPD")].as_slice(), 300, None));
    assert_eq!((spec.event_contract(), spec.class_of_missing()), (Some(CONTRACT), Class::MissedEvent));
    assert_eq!(spec.repair[&Class::MissedEvent], Repair::Insert);
    assert!(spec.needs_events() && !valid(LOAN.split("[provisional]").next().expect("a part")).needs_events());
}
