//! `[values]` and paths.

use insta::assert_snapshot;

use crate::values;

#[test]
fn a_value_with_a_name_that_sql_would_fold() {
    assert_snapshot!(values("Total = { path = \"total\", type = \"numeric\" }"), @r#"
    loan.toml:10:1: `Total` cannot name a value
       |
    10 | Total = { path = "total", type = "numeric" }
       | ^
       = help: a value is named by lower-case letters, digits and `_`, at most 63, since SQL says `chain.name`
    "#);
}

#[test]
fn a_value_without_a_type() {
    assert_snapshot!(values("total = { path = \"total\" }"), @r#"
    loan.toml:10:9: `total` in [values] has no `type`
       |
    10 | total = { path = "total" }
       |         ^
       = help: write `text`, `numeric`, `bool`, `bytea`, `timestamptz` or `jsonb`
    "#);
}

#[test]
fn a_value_of_an_unknown_type() {
    assert_snapshot!(values("total = { path = \"total\", type = \"number\" }"), @r#"
    loan.toml:10:35: `number` is no type of a value
       |
    10 | total = { path = "total", type = "number" }
       |                                   ^
       = help: one of `text`, `numeric`, `bool`, `bytea`, `timestamptz`, `jsonb`
    "#);
}

#[test]
fn decimals_of_a_text() {
    assert_snapshot!(values("total = { path = \"total\", type = \"text\", decimals = 7 }"), @r#"
    loan.toml:10:53: a value of type `text` has no `decimals`
       |
    10 | total = { path = "total", type = "text", decimals = 7 }
       |                                                     ^
       = help: leave it out, or write `type = "numeric"`
    "#);
}

#[test]
fn too_many_decimals() {
    assert_snapshot!(values("total = { path = \"total\", type = \"numeric\", decimals = 39 }"), @r#"
    loan.toml:10:56: `decimals` in `total` in [values] should lie between 0 and 38
       |
    10 | total = { path = "total", type = "numeric", decimals = 39 }
       |                                                        ^
    "#);
}

#[test]
fn a_path_with_a_dotted_index() {
    assert_snapshot!(values("total = { path = \"totals.0\", type = \"numeric\" }"), @r#"
    loan.toml:10:26: the path wants a name here
       |
    10 | total = { path = "totals.0", type = "numeric" }
       |                          ^
       = help: a name begins with a letter or `_`; an element of a vector is `[0]`, any other name is `["my name"]`
    "#);
}

#[test]
fn a_path_with_a_key_of_an_unknown_type() {
    assert_snapshot!(values("total = { path = \"totals[int:5]\", type = \"numeric\" }"), @r#"
    loan.toml:10:26: `int` is no type of a key
       |
    10 | total = { path = "totals[int:5]", type = "numeric" }
       |                          ^
       = help: one of `bool`, `u32`, `i32`, `u64`, `i64`, `u128`, `i128`, `u256`, `i256`, `timepoint`, `duration`, `symbol`, `string`, `bytes`, `address`
    "#);
}

#[test]
fn a_path_with_a_key_out_of_range() {
    assert_snapshot!(values("total = { path = \"totals[u32:-5]\", type = \"numeric\" }"), @r#"
    loan.toml:10:26: `-5` is no u32
       |
    10 | total = { path = "totals[u32:-5]", type = "numeric" }
       |                          ^
       = help: it has to be a whole number in the range of u32
    "#);
}
