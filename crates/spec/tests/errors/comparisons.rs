//! `[[field]]` and `[[condition]]`.

use insta::assert_snapshot;

use crate::{HEAD, VALUES, chain, ending_in, errors};

#[test]
fn a_field_of_a_value_that_is_not_there() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"status\"\nvalue = \"stat\"\n"), @r#"
    loan.toml:16:10: there is no value `stat`; did you mean `state`?
       |
    16 | value = "stat"
       |          ^
       = help: the values are `amount`, `state`
    "#);
}

#[test]
fn sql_over_a_value_that_is_not_there() {
    assert_snapshot!(ending_in("[[condition]]\nname = \"sound\"\nholds = \"db.amount <= chain.amuont\"\n"), @r#"
    loan.toml:16:29: there is no value `amuont`; did you mean `amount`?
       |
    16 | holds = "db.amount <= chain.amuont"
       |                             ^
       = help: the values are `amount`, `state`
    "#);
}

#[test]
fn sql_without_a_type() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"double\"\nvalue = \"chain.amount * 2\"\n"), @r#"
    loan.toml:16:10: a `value` that is SQL needs a `type`
       |
    16 | value = "chain.amount * 2"
       |          ^
       = help: add `type = "numeric"`, or another of `text`, `bool`, `bytea`, `timestamptz`, `jsonb`
    "#);
}

#[test]
fn a_type_where_the_value_has_one() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"status\"\nvalue = \"state\"\ntype = \"text\"\n"), @r#"
    loan.toml:17:8: the type of `state` is given in [values]
       |
    17 | type = "text"
       |        ^
       = help: leave `type` out here
    "#);
}

#[test]
fn a_map_of_numbers() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"status\"\nvalue = \"amount\"\nmap = { 1 = \"one\" }\n"), @r#"
    loan.toml:17:7: a `map` translates labels, and the value is `numeric`
       |
    17 | map = { 1 = "one" }
       |       ^
       = help: give the value `type = "text"`; integers and booleans can be read as text too
    "#);
}

#[test]
fn an_empty_map() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"status\"\nvalue = \"state\"\nmap = {}\n"), @r#"
    loan.toml:17:7: `map` is empty, so that no label has a counterpart
       |
    17 | map = {}
       |       ^
       = help: leave it out if the labels are the same
    "#);
}

#[test]
fn a_tolerance_of_labels() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"status\"\nvalue = \"state\"\ntolerance = \"1\"\n"), @r#"
    loan.toml:17:13: only numbers have a `tolerance`, and the value is `text`
       |
    17 | tolerance = "1"
       |             ^
    "#);
}

#[test]
fn a_tolerance_that_is_no_decimal() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"total\"\nvalue = \"amount\"\ntolerance = \"1 percent\"\n"), @r#"
    loan.toml:17:14: `1 percent` is not a tolerance
       |
    17 | tolerance = "1 percent"
       |              ^
       = help: write a decimal of at least 0, as in `"0.01"`, or in percent of the chain's side, as in `"0.5%"`
    "#);
}

#[test]
fn a_tolerance_that_is_a_float() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"total\"\nvalue = \"amount\"\ntolerance = 0.1\n"), @r#"
    loan.toml:17:13: `tolerance` in [[field]] is a float, and should be a decimal in a string, as in `"0.01"` or `"0.5%"`
       |
    17 | tolerance = 0.1
       |             ^
    "#);
}

#[test]
fn a_class_that_a_field_cannot_have() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"total\"\nvalue = \"amount\"\nclass = \"missing_row\"\n"), @r#"
    loan.toml:17:10: `missing_row` is no class of a field
       |
    17 | class = "missing_row"
       |          ^
       = help: one of `stale_status`, `stale_value`
    "#);
}

#[test]
fn a_field_that_compares_the_key() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"id\"\nvalue = \"amount\"\n"), @r#"
    loan.toml:15:11: the column `id` is a key column: the chain's entry was found by it, so that there is nothing to compare
       |
    15 | column = "id"
       |           ^
    "#);
}

#[test]
fn two_fields_that_set_one_column() {
    assert_snapshot!(ending_in("[[field]]\ncolumn = \"amount\"\nvalue = \"amount\"\n"), @r#"
    loan.toml:15:11: the column `amount` is set by another [[field]] too; at most one field may set a column
       |
    15 | column = "amount"
       |           ^
    "#);
}

#[test]
fn a_single_table_where_a_list_is_wanted() {
    assert_snapshot!(ending_in("[condition]\nname = \"a\"\nholds = \"true\"\n"), @r#"
    loan.toml:14:1: `condition` in the spec is a table, and should be a list of tables `[[condition]]`
       |
    14 | [condition]
       | ^
    "#);
}

#[test]
fn two_conditions_of_one_name() {
    assert_snapshot!(ending_in("[[condition]]\nname = \"a\"\nholds = \"true\"\n[[condition]]\nname = \"a\"\nholds = \"true\"\n"), @r#"
    loan.toml:18:9: the name `a` is that of another [[condition]] too
       |
    18 | name = "a"
       |         ^
       = help: choose a name of its own
    "#);
}

#[test]
fn a_condition_with_the_name_of_a_field() {
    assert_snapshot!(ending_in("[[condition]]\nname = \"amount\"\nholds = \"true\"\n"), @r#"
    loan.toml:15:9: the name `amount` is that of the column of a [[field]] too
       |
    15 | name = "amount"
       |         ^
       = help: choose a name of its own
    "#);
}

#[test]
fn a_priority_that_is_none() {
    assert_snapshot!(ending_in("[[condition]]\nname = \"a\"\nholds = \"true\"\npriority = \"urgent\"\n"), @r#"
    loan.toml:17:13: `urgent` is no priority
       |
    17 | priority = "urgent"
       |             ^
       = help: one of `low`, `normal`, `high`, `critical`
    "#);
}

#[test]
fn a_spec_that_compares_nothing() {
    assert_snapshot!(errors(&format!("{HEAD}{}{VALUES}", chain(""))), @r#"
    loan.toml:1:1: the spec compares nothing
      |
    1 | kind = "loan"
      | ^
      = help: add a [[field]] for each column that the chain decides, or a [[condition]]
    "#);
}
