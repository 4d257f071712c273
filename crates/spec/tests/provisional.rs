//! Rows without their real key: what a spec may say of them, and what the rest of it has to say then.

use trueup_judge::{Class, Repair};
use trueup_spec::{EventPart, EventPath, Path, Provisional, Spec, Topic};

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

/// What is wrong with a spec of these key columns, first of all.
fn parse(key: &str, head: &str, provisional: &str) -> Result<Spec, String> {
    let chain = format!("[chain]\nsource = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]\n");
    let condition = "[[condition]]\nname = \"n\"\nholds = \"true\"\n";
    let text = format!("kind = \"x\"\ntable = \"x\"\nkey = {key}\n{head}{chain}{condition}[provisional]\nwhen = \"true\"\n{provisional}");
    Spec::parse("x.toml", &text, &|_| None).map_err(|errors| errors.0[0].message.clone())
}

fn of_one(provisional: &str) -> Result<Provisional, String> {
    parse("\"id\"", "", provisional).map(|spec| spec.provisional.expect("provisional rows"))
}

fn message<T>(result: Result<T, String>) -> Option<String> {
    result.err()
}

const EVENT: &str = "event = { topics = [\"A\"], id = \"data\", at = \"created_at\" }\n";
const RESOLVE: &str = "[repair]\nprovisional_id = \"resolve\"\n";

#[test]
fn a_transaction_or_an_event_gives_the_key() {
    for one in ["transaction = \"hash\"\n", EVENT] {
        let spec = parse("\"id\"", "", &format!("{one}{RESOLVE}")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(spec.repair[&Class::ProvisionalId], Repair::Resolve);
    }
    let nothing = "nothing says how a provisional row finds its key";
    assert_eq!(message(parse("\"id\"", "", RESOLVE)).as_deref(), Some(nothing));
    assert_eq!(message(of_one("")), None, "such rows may be reported alone");
    assert_eq!(message(of_one("[repair]\nprovisional_id = \"report\"\n")), None);
}

#[test]
fn what_is_about_the_transaction_needs_one() {
    for more in ["envelope = \"envelope\"\n", "submitted = \"at\"\n", "id = \"[0]\"\n", "failed = { status = \"failed\" }\n"] {
        let key = more.split(' ').next().expect("a key");
        assert_eq!(message(of_one(more)), Some(format!("`{key}` in [provisional] needs `transaction`")));
        assert_eq!(message(of_one(&format!("transaction = \"hash\"\n{more}"))), None);
    }
}

#[test]
fn a_failed_creation_sets_columns_that_are_no_key() {
    let sets = "failed = { status = \"failed\", note = \"n\" }\nexpired = { status = \"gone\" }\n";
    let provisional = of_one(&format!("transaction = \"hash\"\n{sets}")).unwrap_or_else(|error| panic!("{error}"));
    let read = |columns: &[(trueup_spec::Name, String)]| {
        columns.iter().map(|(column, text)| (column.text.clone(), text.clone())).collect::<Vec<_>>()
    };
    let pair = |column: &str, text: &str| (column.to_owned(), text.to_owned());
    assert_eq!(read(&provisional.failed), [pair("status", "failed"), pair("note", "n")]);
    assert_eq!(read(&provisional.expired), [pair("status", "gone")]);
    for key in ["failed", "expired"] {
        let error = message(of_one(&format!("transaction = \"hash\"\n{key} = {{ id = \"0\" }}\n")));
        assert_eq!(error.as_deref(), Some("`id` is a key column: a failed creation gives no key"));
    }
}

#[test]
fn an_event_needs_the_time_of_the_rows_creation() {
    let without = "event = { topics = [\"A\"], id = \"data\" }\n";
    let error = "`event` in [provisional] needs the time of a row";
    assert_eq!(message(parse("\"id\"", "", without)).as_deref(), Some(error));
    assert_eq!(message(parse("\"id\"", "changed = \"updated_at\"\n", without)), None);
    let at = parse("\"id\"", "changed = \"updated_at\"\n", EVENT).unwrap_or_else(|error| panic!("{error}"));
    let event = at.provisional.and_then(|provisional| provisional.event).expect("an event");
    assert_eq!(event.at.map(|at| at.text).as_deref(), Some("created_at"));
    assert_eq!(event.within_secs, 3_600);
}

#[test]
fn an_event_gives_each_key_column() {
    let event = |id: &str| format!("event = {{ topics = [\"A\"], id = {id}, at = \"created_at\" }}\n");
    let (one, two) = ("\"id\"", "[\"id\", \"part\"]");
    let pair = parse(two, "", &event("[\"topics[3]\", \"data.part[1]\"]")).unwrap_or_else(|error| panic!("{error}"));
    let path = |text: &str| Path::parse(text).expect("a path");
    let places =
        [EventPath { part: EventPart::Topic(3), path: Path::default() }, EventPath { part: EventPart::Data, path: path("part[1]") }];
    assert_eq!(pair.provisional.and_then(|it| it.event).map(|event| event.id).as_deref(), Some(places.as_slice()));
    assert_eq!(message(parse(one, "", &event("[\"data\"]"))), None);
    for (key, id, error) in [
        (two, "\"data\"", "`id` in `event` names 1 place(s), and the key has 2 column(s)"),
        (one, "[\"data[0]\", \"data[1]\"]", "`id` in `event` names 2 place(s), and the key has 1 column(s)"),
        (one, "\"datum\"", "`id` in `event` in [provisional] is no place in an event"),
        (one, "\"topic[0]\"", "`id` in `event` in [provisional] is no place in an event"),
        (one, "\"topics.a\"", "`id` in `event` in [provisional] is no place in an event"),
    ] {
        assert_eq!(message(parse(key, "", &event(id))).as_deref(), Some(error), "{id}");
    }
}

#[test]
fn topics_are_symbols_and_columns() {
    let event = "event = { topics = [{ symbol = \"A\" }, \"wallet\", { symbol = \"B\" }], id = \"data\", at = \"at\" }\n";
    let topics = of_one(event).unwrap_or_else(|error| panic!("{error}")).event.expect("an event").topics;
    let symbol = |text: &str| Topic::Symbol(text.to_owned());
    assert!(matches!(&topics[..], [a, Topic::Column(column), b] if *a == symbol("A") && column.text == "wallet" && *b == symbol("B")));
}

#[test]
fn what_is_matched_may_have_decimals() {
    let with = |decimals: &str| {
        let matched = format!("{{ a = \"data[0]\", b = {{ path = \"data[1]\"{decimals} }} }}");
        let event = format!("event = {{ topics = [\"A\"], id = \"data\", at = \"at\", match = {matched} }}\n");
        let event = of_one(&event).unwrap_or_else(|error| panic!("{error}")).event.expect("an event");
        event.matches.into_iter().map(|it| (it.column.text, it.at.path.to_string(), it.decimals)).collect::<Vec<_>>()
    };
    let pair = |decimals| vec![("a".to_owned(), "[0]".to_owned(), None), ("b".to_owned(), "[1]".to_owned(), decimals)];
    assert_eq!(with(""), pair(None));
    assert_eq!(with(", decimals = 7"), pair(Some(7)));
}

#[test]
fn references_are_to_keys_of_one_column() {
    let references = "references = [\"payments.loan\", \"app.parts.loan\"]\n";
    let read = of_one(references).unwrap_or_else(|error| panic!("{error}")).references;
    let names: Vec<_> = read.iter().map(|it| (it.table.schema.as_str(), it.table.table.as_str(), it.column.text.as_str())).collect();
    assert_eq!(names, [("public", "payments", "loan"), ("app", "parts", "loan")]);
    for wrong in ["loan", "a.b.c.d"] {
        let error = message(of_one(&format!("references = [\"{wrong}\"]\n")));
        assert_eq!(error, Some(format!("`{wrong}` does not name a column of a table")));
    }
    let error = message(parse("[\"id\", \"part\"]", "", references));
    assert_eq!(error.as_deref(), Some("references to a key of several columns are not rewritten"));
}

#[test]
fn only_the_key_of_an_entry_is_given_by_the_chain() {
    let account = |provisional: &str| {
        let head = "kind = \"x\"\ntable = \"x\"\nkey = \"id\"\n[chain]\nsource = \"account\"\naccount = \"id\"\n";
        let text = format!("{head}[[field]]\ncolumn = \"a\"\nvalue = \"balance\"\n[provisional]\nwhen = \"true\"\n{provisional}");
        Spec::parse("x.toml", &text, &|_| None).map_err(|errors| errors.0[0].message.clone())
    };
    assert_eq!(message(account("")), None);
    for asks in ["transaction = \"hash\"\n", EVENT] {
        assert_eq!(message(account(asks)).as_deref(), Some("the key of these rows is not given by the chain"));
    }
}
