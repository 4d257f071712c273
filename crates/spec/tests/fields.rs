//! What fields, conditions and inserts may say together.

use trueup_spec::{Carrier, FieldValue, Priority, Spec, Tolerance};

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

fn parse(rest: &str) -> Result<Spec, String> {
    let chain = format!("[chain]\nsource = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]\n");
    let values = "[values]\ntier = { path = \"tier\", type = \"text\" }\namount = { path = \"amount\", type = \"numeric\", optional = false }\n\
        note = { path = \"note\", type = \"text\", optional = true }\n";
    let text = format!("kind = \"x\"\ntable = \"x\"\nkey = \"id\"\n{chain}{values}{rest}");
    Spec::parse("x.toml", &text, &|_| None).map_err(|errors| errors.0[0].message.clone())
}

fn valid(rest: &str) -> Spec {
    parse(rest).unwrap_or_else(|error| panic!("{error}"))
}

const TIER: &str = "[[field]]\ncolumn = \"tier\"\nvalue = \"tier\"\n";
const READ: &str = "[[field]]\ncolumn = \"meta\"\nvalue = \"tier\"\nread = \"db.meta->>'tier'\"\n";

#[test]
fn one_field_sets_a_column_that_others_may_read() {
    let write = "write = \"db.meta || to_jsonb(chain.tier)\"\n";
    let twice = Err("the column `meta` is set by another [[field]] too; at most one field may set a column".to_owned());
    for (fields, wanted) in [
        (format!("{READ}{READ}"), Ok(2)),
        (format!("{READ}{write}{READ}"), Ok(2)),
        (format!("{READ}{READ}{write}{TIER}"), Ok(3)),
        (format!("{READ}{write}{READ}{write}"), twice),
    ] {
        assert_eq!(parse(&fields).map(|spec| spec.fields.len()), wanted, "{fields}");
    }
}

#[test]
fn the_state_of_a_transaction_is_no_field_of_its_own() {
    let spec = |column: &str| {
        let states = "states = { pending = \"open\", succeeded = \"done\", failed = \"bad\" }";
        let chain = format!("[chain]\nsource = \"transaction\"\nhash = \"hash\"\nstate = \"state\"\n{states}\n");
        let text = format!("kind = \"x\"\ntable = \"x\"\n{chain}[[field]]\ncolumn = \"{column}\"\nvalue = \"ledger\"\n");
        Spec::parse("x.toml", &text, &|_| None).map_err(|errors| errors.0[0].message.clone())
    };
    assert_eq!(spec("ledger").map(|spec| spec.fields.len()), Ok(2));
    let taken = "the column `state` is the state of the transaction, which is compared already";
    assert_eq!(spec("state").map(|spec| spec.fields.len()), Err(taken.to_owned()));
}

#[test]
fn an_insert_gives_what_the_fields_of_a_new_row_do_not() {
    let insert = "[insert]\nmeta = \"'{}'\"\n";
    let taken = Err("a new row gets `meta` from a [[field]] already".to_owned());
    for (field, wanted) in [
        (TIER.to_owned(), Ok(1)),
        (READ.to_owned(), Ok(1)),
        (format!("{READ}write = \"db.meta || to_jsonb(chain.tier)\"\n"), Ok(1)),
        (format!("{READ}write = \"to_jsonb(chain.tier)\"\n"), taken.clone()),
        (TIER.replace("\"tier\"\nvalue", "\"meta\"\nvalue"), taken),
    ] {
        assert_eq!(parse(&format!("{field}{insert}")).map(|spec| spec.insert.len()), wanted, "{field}");
    }
}

#[test]
fn a_tolerance_is_written_as_a_decimal_a_percentage_or_a_whole_number() {
    let tolerance = |written: &str| {
        let field = format!("[[field]]\ncolumn = \"amount\"\nvalue = \"amount\"\ntolerance = {written}\n");
        parse(&field).map(|spec| spec.fields[0].tolerance.clone())
    };
    let absolute = |text: &str| Ok(Some(Tolerance::Absolute(text.to_owned())));
    let percent = |text: &str| Ok(Some(Tolerance::Percent(text.to_owned())));
    assert_eq!(tolerance("\"0.01\""), absolute("0.01"));
    assert_eq!(tolerance("\"12\""), absolute("12"));
    assert_eq!(tolerance("12"), absolute("12"));
    assert_eq!(tolerance("\"0.5%\""), percent("0.5"));
    assert_eq!(tolerance("\"1 %\""), percent("1"));
    let integer = "`tolerance` in [[field]] is an integer, and should be a decimal in a string, as in `\"0.01\"` or `\"0.5%\"`";
    for other_radix in ["0x10", "0o7", "0b1"] {
        assert_eq!(tolerance(other_radix), Err(integer.to_owned()), "{other_radix}");
    }
}

#[test]
fn a_value_may_be_absent_only_where_the_spec_says_so() {
    let optional = valid(TIER).values.iter().map(|value| value.optional).collect::<Vec<_>>();
    assert_eq!(optional, [false, false, true]);
}

#[test]
fn sql_with_a_tolerance_is_a_number_where_it_names_no_type() {
    let spec = valid("[[field]]\ncolumn = \"double\"\nvalue = \"chain.amount * 2\"\ntolerance = 0\n");
    assert!(matches!(&spec.fields[0].value, FieldValue::Sql(_, Carrier::Numeric)));
}

#[test]
fn the_words_for_priorities_are_those_of_the_spec() {
    for (word, priority) in
        [("low", Priority::Low), ("normal", Priority::Normal), ("high", Priority::High), ("critical", Priority::Critical)]
    {
        let spec = valid(&format!("[[condition]]\nname = \"n\"\nholds = \"true\"\npriority = \"{word}\"\n"));
        assert_eq!(spec.conditions[0].priority, priority);
        assert_eq!(priority.as_str(), word);
    }
    assert_eq!(valid("[[condition]]\nname = \"n\"\nholds = \"true\"\n").conditions[0].priority, Priority::Normal);
}

#[test]
fn the_names_of_carriers_are_those_of_their_sql_types() {
    for (word, carrier) in [
        ("text", Carrier::Text),
        ("numeric", Carrier::Numeric),
        ("bool", Carrier::Bool),
        ("bytea", Carrier::Bytea),
        ("timestamptz", Carrier::Timestamptz),
        ("jsonb", Carrier::Jsonb),
    ] {
        let spec = valid(&format!("[[field]]\ncolumn = \"a\"\nvalue = \"f(chain.tier)\"\ntype = \"{word}\"\n"));
        assert!(matches!(&spec.fields[0].value, FieldValue::Sql(_, it) if *it == carrier), "{word}");
        assert_eq!(carrier.sql(), word);
    }
}
