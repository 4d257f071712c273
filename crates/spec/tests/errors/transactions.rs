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
