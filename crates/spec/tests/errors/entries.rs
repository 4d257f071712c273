//! `[chain.also.…]`, `element` and what they do to `enumerate`.

use insta::assert_snapshot;

use crate::{FIELD, HEAD, VALUES, chain, chain_with, errors};

/// A sound spec with `more` after the last key of `[chain]` and `values` after the last value.
fn chain_and_values(more: &str, values: &str) -> String {
    errors(&format!("{HEAD}{}{VALUES}{values}\n{FIELD}", chain(more)))
}

#[test]
fn a_value_of_an_entry_that_is_not_there() {
    assert_snapshot!(chain_and_values("[chain.also.pool]\nentry = [{ symbol = \"Pool\" }]\n", "total = { from = \"pol\", path = \"\", type = \"numeric\" }"), @r#"
    loan.toml:13:19: there is no entry `pol` in [chain.also]; did you mean `pool`?
       |
    13 | total = { from = "pol", path = "", type = "numeric" }
       |                   ^
       = help: the entries there are `pool`; without `from` a value is read from the row's own entry
    "#);
}

#[test]
fn a_value_of_an_entry_where_there_is_none() {
    assert_snapshot!(chain_and_values("", "total = { from = \"pool\", path = \"\", type = \"numeric\" }"), @r#"
    loan.toml:11:19: there is no entry `pool` in [chain.also]
       |
    11 | total = { from = "pool", path = "", type = "numeric" }
       |                   ^
       = help: add it, as in `[chain.also.pool]` with an `entry` of its own
    "#);
}

#[test]
fn an_entry_that_nothing_is_read_from() {
    assert_snapshot!(chain_with("[chain.also.pool]\nentry = [{ symbol = \"Pool\" }]\n"), @r#"
    loan.toml:8:13: no value is read from the entry `pool`
      |
    8 | [chain.also.pool]
      |             ^
      = help: give one of [values] `from = "pool"`, or leave the entry out
    "#);
}

#[test]
fn a_further_entry_without_a_key() {
    assert_snapshot!(chain_with("[chain.also.pool]\noptional = true\n"), @r#"
    loan.toml:8:1: [chain.also.pool] has no `entry`
      |
    8 | [chain.also.pool]
      | ^
      = help: write the key of the entry, as in `entry = [{ symbol = "Pool" }]`, or `entry = "instance"`
    "#);
}

#[test]
fn a_further_entry_with_a_name_in_capitals() {
    assert_snapshot!(chain_with("[chain.also.Pool]\nentry = \"instance\"\n"), @r#"
    loan.toml:8:13: `Pool` cannot name an entry
      |
    8 | [chain.also.Pool]
      |             ^
      = help: an entry is named by lower-case letters, digits and `_`, at most 63
    "#);
}

#[test]
fn a_temporary_entry_that_is_optional() {
    assert_snapshot!(chain_with("[chain.also.pool]\nentry = [{ symbol = \"Pool\" }]\ndurability = \"temporary\"\noptional = true\n"), @r#"
    loan.toml:8:13: no value is read from the entry `pool`
      |
    8 | [chain.also.pool]
      |             ^
      = help: give one of [values] `from = "pool"`, or leave the entry out

    loan.toml:11:12: that a temporary entry is absent means nothing, so that it cannot be optional
       |
    11 | optional = true
       |            ^
       = help: it may have expired: leave `optional` out, so that its row is unknown then
    "#);
}

#[test]
fn an_unknown_key_of_a_further_entry() {
    assert_snapshot!(chain_with("[chain.also.pool]\nentry = [{ symbol = \"Pool\" }]\nenumerate = 1\n"), @r#"
    loan.toml:8:13: no value is read from the entry `pool`
      |
    8 | [chain.also.pool]
      |             ^
      = help: give one of [values] `from = "pool"`, or leave the entry out

    loan.toml:10:1: unknown key `enumerate` in [chain.also.pool]
       |
    10 | enumerate = 1
       | ^
       = help: the keys here are `contract`, `durability`, `entry`, `optional`
    "#);
}

#[test]
fn an_element_of_neither_kind() {
    assert_snapshot!(chain_with("element = { of = \"schedule\" }\n"), @r#"
    loan.toml:8:11: `element` has exactly one of `index` and `key`
      |
    8 | element = { of = "schedule" }
      |           ^
      = help: write `index = "position"` for a list, or `key = { address = "wallet" }` for a map
    "#);
}

#[test]
fn an_element_of_both_kinds() {
    assert_snapshot!(chain_with("element = { of = \"schedule\", index = \"id\", key = { u64 = \"id\" } }\n"), @r#"
    loan.toml:8:11: `element` has exactly one of `index` and `key`
      |
    8 | element = { of = "schedule", index = "id", key = { u64 = "id" } }
      |           ^
      = help: write `index = "position"` for a list, or `key = { address = "wallet" }` for a map
    "#);
}

#[test]
fn an_element_without_a_place() {
    assert_snapshot!(chain_with("element = { index = \"id\" }\n"), @r#"
    loan.toml:8:11: `element` in [chain] has no `of`
      |
    8 | element = { index = "id" }
      |           ^
      = help: write where in the entry the list or map is; `of = ""` is the whole value
    "#);
}

#[test]
fn an_element_under_the_same_key_for_all() {
    assert_snapshot!(chain_with("element = { of = \"m\", key = { symbol = \"A\" } }\n"), @r#"
    loan.toml:8:29: every row would be the same element: the key of `element` holds no column
      |
    8 | element = { of = "m", key = { symbol = "A" } }
      |                             ^
      = help: name the key column that says which element it is, as in `key = { address = "wallet" }`
    "#);
}

#[test]
fn a_first_position_in_a_map() {
    assert_snapshot!(chain_with("element = { of = \"m\", key = { u64 = \"id\" }, first = 1 }\n"), @r#"
    loan.toml:8:53: only positions in a list have a `first`
      |
    8 | element = { of = "m", key = { u64 = "id" }, first = 1 }
      |                                                     ^
      = help: leave it out with `key`
    "#);
}

#[test]
fn elements_of_rows_that_are_entries() {
    assert_snapshot!(chain_with("enumerate = \"elements\"\n"), @r#"
    loan.toml:8:13: rows that are whole entries are not the elements of one
      |
    8 | enumerate = "elements"
      |             ^
      = help: say with `element` which part of the entry a row is, or enumerate by one of `{ counter = { … } }`, `{ list = { … } }`, `{ events = { … } }`, `{ sql = "select …" }`
    "#);
}

#[test]
fn elements_of_many_entries() {
    assert_snapshot!(errors(&format!("{}{}{VALUES}{FIELD}", HEAD.replace("\"id\"", "[\"id\", \"position\"]"), chain("element = { of = \"\", index = \"position\" }\nenumerate = \"elements\"\n"))), @r#"
    loan.toml:9:13: the elements are those of many entries, which `id` tells apart
      |
    9 | enumerate = "elements"
      |             ^
      = help: enumerate the entries that hold the elements, by one of `{ counter = { … } }`, `{ list = { … } }`, `{ events = { … } }`, `{ sql = "select …" }`
    "#);
}

#[test]
fn a_counter_where_one_entry_holds_all() {
    assert_snapshot!(chain_with("element = { of = \"\", key = { u64 = \"id\" } }\nenumerate = { counter = { instance = \"N\", first = 1, holds = \"last\" } }\n"), @r#"
    loan.toml:9:13: one entry holds the elements of all rows, so that no other has to be counted or listed
      |
    9 | enumerate = { counter = { instance = "N", first = 1, holds = "last" } }
      |             ^
      = help: write `enumerate = "elements"`
    "#);
}

#[test]
fn elements_whose_keys_cannot_be_made_from_the_chain() {
    assert_snapshot!(errors(&format!("{}{}{VALUES}{FIELD}", HEAD.replace("\"id\"", "[\"id\", \"position\"]"), chain("element = { of = \"\", index = \"position - 1\" }\nenumerate = { list = { entry = [{ symbol = \"Loans\" }] } }\n"))), @r#"
    loan.toml:8:31: the keys of elements cannot be made from the chain
      |
    8 | element = { of = "", index = "position - 1" }
      |                               ^
      = help: let each part be the name of another key column, of a type that is no time (`first` is what the first position is called), or enumerate whole keys by `{ sql = … }`
    "#);
}

#[test]
fn a_further_contract_that_is_no_key_column() {
    assert_snapshot!(chain_with("enumerate = { sql = \"select 1\" }\n[chain.also.pool]\ncontract = { column = \"pool\" }\nentry = \"instance\"\n"), @r#"
    loan.toml:8:13: `enumerate` needs the contract's column `pool` among the key columns
      |
    8 | enumerate = { sql = "select 1" }
      |             ^
      = help: add `pool` to `key`, or leave `enumerate` out

    loan.toml:9:13: no value is read from the entry `pool`
      |
    9 | [chain.also.pool]
      |             ^
      = help: give one of [values] `from = "pool"`, or leave the entry out
    "#);
}
