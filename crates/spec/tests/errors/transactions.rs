//! Specs with `source = "transaction"`.

use insta::assert_snapshot;

use crate::errors;

#[test]
fn transactions_without_their_states() {
    assert_snapshot!(errors("kind = \"t\"\ntable = \"t\"\n[chain]\nsource = \"transaction\"\nhash = \"hash\"\nstate = \"state\"\nstates = { pending = \"open\", succeeded = \"done\", fialed = \"bad\" }\n"), @r#"
    loan.toml:7:10: `states` in [chain] has no `failed`
      |
    7 | states = { pending = "open", succeeded = "done", fialed = "bad" }
      |          ^
      = help: name the label that the column holds then

    loan.toml:7:50: unknown key `fialed` in `states` in [chain]; did you mean `failed`?
      |
    7 | states = { pending = "open", succeeded = "done", fialed = "bad" }
      |                                                  ^
      = help: the keys here are `pending`, `succeeded`, `failed`, `expired`, `superseded`
    "#);
}

#[test]
fn states_that_cannot_be_told_apart() {
    assert_snapshot!(errors("kind = \"t\"\ntable = \"t\"\n[chain]\nsource = \"transaction\"\nhash = \"hash\"\nstate = \"state\"\nstates = { pending = \"open\", succeeded = \"done\", failed = \"done\" }\n"), @r#"
    loan.toml:7:60: the label `done` is also that of `succeeded`
      |
    7 | states = { pending = "open", succeeded = "done", failed = "done" }
      |                                                            ^
      = help: states that differ in what follows from them need labels that differ
    "#);
}

#[test]
fn values_of_transactions() {
    assert_snapshot!(errors("kind = \"t\"\ntable = \"t\"\nkey = \"id\"\n[chain]\nsource = \"transaction\"\nhash = \"hash\"\nstate = \"state\"\nstates = { pending = \"open\", succeeded = \"done\", failed = \"bad\" }\n[values]\n[[field]]\ncolumn = \"state\"\nvalue = \"status\"\n[repair]\nmissing_row = \"insert\"\n[insert]\na = \"1\"\n"), @r#"
    loan.toml:3:7: the key of a transaction is its hash
      |
    3 | key = "id"
      |       ^
      = help: write `key = "hash"`, or leave `key` out

    loan.toml:9:1: the values of a transaction are given
      |
    9 | [values]
      | ^
      = help: leave it out; SQL may use `chain.status`, `chain.result_code`, `chain.ledger`, `chain.closed_at`, `chain.fee_charged`
    "#);
}

/// A sound spec of transactions, with `chain` in `[chain]` and `rest` behind it.
fn transactions(chain: &str, rest: &str) -> String {
    let states = "states = { pending = \"open\", succeeded = \"done\", failed = \"bad\" }";
    let head = "kind = \"t\"\ntable = \"t\"\n[chain]\nsource = \"transaction\"\nhash = \"hash\"\nstate = \"state\"\n";
    errors(&format!("{head}{states}\n{chain}{rest}"))
}

#[test]
fn missed_events_that_nothing_finds() {
    assert_snapshot!(transactions("", "[insert]\na = \"1\"\n[repair]\nmissed_event = \"insert\"\nmissing_row = \"insert\"\n"), @r#"
    loan.toml:8:1: [insert] has no use for transactions of which nothing says that they lack a row
      |
    8 | [insert]
      | ^
      = help: leave it out, or say in [chain] which transactions there are: `enumerate = { events = { … } }`

    loan.toml:11:16: nothing finds missed events without `enumerate`
       |
    11 | missed_event = "insert"
       |                ^
       = help: say in [chain] which transactions there are, as in `enumerate = { events = { contract = "C…", topics = ["…"] } }`

    loan.toml:12:15: a transaction is never a missing row
       |
    12 | missing_row = "insert"
       |               ^
       = help: a transaction without a row is a `missed_event`; [chain] says with `enumerate` which events there are
    "#);
}

#[test]
fn transactions_of_events_of_nobody() {
    assert_snapshot!(transactions("enumerate = { events = { topics = [\"X\", 7], id = \"data\" } }\n", "[repair]\nmissed_event = \"update\"\n"), @r#"
    loan.toml:8:24: `events` has no `contract`
      |
    8 | enumerate = { events = { topics = ["X", 7], id = "data" } }
      |                        ^
      = help: name the contract whose transactions the table should have, as in `contract = "${LOAN_CONTRACT}"`

    loan.toml:8:45: unknown key `id` in `events`
      |
    8 | enumerate = { events = { topics = ["X", 7], id = "data" } }
      |                                             ^
      = help: the keys here are `contract`, `topics`, `after`, `since`

    loan.toml:10:16: `update` does not mend `missed_event`
       |
    10 | missed_event = "update"
       |                ^
       = help: possible is `report`, `insert`
    "#);
}
