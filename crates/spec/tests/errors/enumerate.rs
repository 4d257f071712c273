//! `enumerate`.

use insta::assert_snapshot;

use crate::{CONTRACT, FIELD, HEAD, VALUES, chain, chain_with, errors};

#[test]
fn events_that_do_not_say_which_nor_where_the_key_is() {
    assert_snapshot!(chain_with("enumerate = { events = { topics = [] } }\n"), @r#"
    loan.toml:8:24: `events` has no `id`
      |
    8 | enumerate = { events = { topics = [] } }
      |                        ^
      = help: write where in the event the key is, as in `id = "data[0]"`, or a list for several key columns

    loan.toml:8:35: an event has 1 to 4 topics
      |
    8 | enumerate = { events = { topics = [] } }
      |                                   ^
    "#);
}

#[test]
fn events_of_any_name() {
    assert_snapshot!(chain_with("enumerate = { events = { topics = [\"*\"], id = \"data[0]\" } }\n"), @r#"
    loan.toml:8:37: the first topic is the event's name, and cannot be `*`
      |
    8 | enumerate = { events = { topics = ["*"], id = "data[0]" } }
      |                                     ^
      = help: name it; of one contract all events together are hardly ever of one sort
    "#);
}

#[test]
fn events_with_a_name_that_is_no_symbol() {
    assert_snapshot!(chain_with("enumerate = { events = { topics = [\"loan created\"], id = \"data[0]\" } }\n"), @r#"
    loan.toml:8:37: `loan created` is not a symbol, and the first topic is one
      |
    8 | enumerate = { events = { topics = ["loan created"], id = "data[0]" } }
      |                                     ^
    "#);
}

#[test]
fn events_whose_key_is_somewhere_else() {
    assert_snapshot!(chain_with("enumerate = { events = { topics = [\"LOANCRTD\"], id = \"id\" } }\n"), @r#"
    loan.toml:8:54: `id` in `events` is no place in an event
      |
    8 | enumerate = { events = { topics = ["LOANCRTD"], id = "id" } }
      |                                                      ^
      = help: a place in an event begins with `data` or `topics[0]` to `topics[3]`
    "#);
}

#[test]
fn events_with_fewer_places_than_key_columns() {
    assert_snapshot!(errors(&format!("{}{}{VALUES}{FIELD}", HEAD.replace("\"id\"", "[\"a\", \"b\"]"), chain("enumerate = { events = { topics = [\"X\"], id = [\"data[0]\"], since = 0 } }\n"))), @r#"
    loan.toml:8:47: `id` has 1 place(s), and the key has 2 column(s)
      |
    8 | enumerate = { events = { topics = ["X"], id = ["data[0]"], since = 0 } }
      |                                               ^
      = help: give one place for each of `a`, `b`, in that order

    loan.toml:8:68: `since` in `events` should lie between 1 and 4294967295
      |
    8 | enumerate = { events = { topics = ["X"], id = ["data[0]"], since = 0 } }
      |                                                                    ^
    "#);
}

#[test]
fn events_of_a_contract_that_each_row_names() {
    let chain =
        chain("enumerate = { events = { topics = [\"X\"], id = \"data\" } }\n").replace(&format!("\"{CONTRACT}\""), "{ column = \"id\" }");
    assert_snapshot!(errors(&format!("{HEAD}{chain}{VALUES}{FIELD}")), @r#"
    loan.toml:8:13: `enumerate` with a contract for each row goes by SQL only
      |
    8 | enumerate = { events = { topics = ["X"], id = "data" } }
      |             ^
      = help: no one contract holds the counter or list of all rows: enumerate by `{ sql = … }`, or leave `enumerate` out
    "#);
}

#[test]
fn an_enumeration_by_two_ways() {
    assert_snapshot!(chain_with("enumerate = { sql = \"select 1\", list = { entry = \"instance\" } }\n"), @r#"
    loan.toml:8:13: `enumerate` has exactly one way
      |
    8 | enumerate = { sql = "select 1", list = { entry = "instance" } }
      |             ^
      = help: one of `{ counter = { … } }`, `{ list = { … } }`, `{ events = { … } }`, `{ sql = "select …" }`
    "#);
}

#[test]
fn an_enumeration_by_a_word_that_is_none() {
    assert_snapshot!(chain_with("enumerate = \"everything\"\n"), @r#"
    loan.toml:8:13: `enumerate` in [chain] is a string, and should be a table
      |
    8 | enumerate = "everything"
      |             ^
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
