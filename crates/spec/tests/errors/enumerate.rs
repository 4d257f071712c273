//! `enumerate`.

use insta::assert_snapshot;

use crate::{CONTRACT, FIELD, HEAD, VALUES, chain, chain_with, errors};

#[test]
fn an_enumeration_by_events() {
    assert_snapshot!(chain_with("enumerate = { events = { topics = [] } }\n"), @r#"
    loan.toml:8:24: enumerating by events is not supported by this version
      |
    8 | enumerate = { events = { topics = [] } }
      |                        ^
      = help: one of `{ counter = { … } }`, `{ list = { … } }`, `{ sql = "select …" }`
    "#);
}

#[test]
fn an_enumeration_by_two_ways() {
    assert_snapshot!(chain_with("enumerate = { sql = \"select 1\", list = { entry = \"instance\" } }\n"), @r#"
    loan.toml:8:13: `enumerate` has exactly one way
      |
    8 | enumerate = { sql = "select 1", list = { entry = "instance" } }
      |             ^
      = help: one of `{ counter = { … } }`, `{ list = { … } }`, `{ sql = "select …" }`
    "#);
}

#[test]
fn a_counter_that_does_not_say_what_it_holds() {
    assert_snapshot!(chain_with("enumerate = { counter = { instance = \"N\", first = 1 } }\n"), @r#"
    loan.toml:8:25: `counter` has no `holds`
      |
    8 | enumerate = { counter = { instance = "N", first = 1 } }
      |                         ^
      = help: write what the counter holds: `last` (key given out), `next` (key to be given out) or `count` (of keys)
    "#);
}

#[test]
fn a_counter_of_a_composite_key() {
    assert_snapshot!(errors(&format!("{}{}{VALUES}{FIELD}", HEAD.replace("\"id\"", "[\"a\", \"b\"]"), chain("enumerate = { counter = { instance = \"N\", first = 1, holds = \"last\" } }\n"))), @r#"
    loan.toml:8:25: a counter cannot enumerate keys of 2 columns
      |
    8 | enumerate = { counter = { instance = "N", first = 1, holds = "last" } }
      |                         ^
      = help: keys that are counted are whole numbers in one column; others are enumerated by a list or by SQL
    "#);
}

#[test]
fn an_enumerated_entry_with_an_argument() {
    assert_snapshot!(chain_with("enumerate = { list = { entry = [{ symbol = \"L\" }, { u64 = \"id\" }] } }\n"), @r#"
    loan.toml:8:59: an enumerated entry takes no `u64`
      |
    8 | enumerate = { list = { entry = [{ symbol = "L" }, { u64 = "id" }] } }
      |                                                           ^
      = help: it belongs to no row, so that no column can be part of its key; it is made of `{ symbol = "…" }` only
    "#);
}

#[test]
fn an_enumeration_without_the_contracts_column_in_the_key() {
    assert_snapshot!(errors(&format!("{HEAD}{}{VALUES}{FIELD}", chain("enumerate = { sql = \"select 1\" }\n").replace(&format!("\"{CONTRACT}\""), "{ column = \"address\" }"))), @r#"
    loan.toml:8:13: `enumerate` needs the contract's column `address` among the key columns
      |
    8 | enumerate = { sql = "select 1" }
      |             ^
      = help: add `address` to `key`, or leave `enumerate` out
    "#);
}
