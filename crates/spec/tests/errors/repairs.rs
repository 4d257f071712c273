//! `[insert]`, `[repair]` and `[provisional]`.

use insta::assert_snapshot;

use crate::ending_in;

#[test]
fn an_insert_of_what_a_new_row_gets_anyway() {
    assert_snapshot!(ending_in("[insert]\nid = \"1\"\namount = \"0\"\nowner = \"key.idd\"\n"), @r#"
    loan.toml:15:1: a new row gets `id` from its key already
       |
    15 | id = "1"
       | ^
       = help: leave it out of [insert]

    loan.toml:16:1: a new row gets `amount` from a [[field]] already
       |
    16 | amount = "0"
       | ^
       = help: leave it out of [insert]

    loan.toml:17:14: there is no key column `idd`; did you mean `id`?
       |
    17 | owner = "key.idd"
       |              ^
       = help: the key columns are `id`
    "#);
}

#[test]
fn a_class_of_drift_that_is_none() {
    assert_snapshot!(ending_in("[repair]\nstale_state = \"update\"\n"), @r#"
    loan.toml:15:1: `stale_state` is no class of drift; did you mean `stale_status`?
       |
    15 | stale_state = "update"
       | ^
       = help: one of `missing_row`, `stale_status`, `stale_value`, `provisional_id`, `orphaned_pending_transaction`, `missed_event`, `missing_on_chain`, `condition_violated`, `ambiguous`
    "#);
}

#[test]
fn a_repair_that_does_not_suit() {
    assert_snapshot!(ending_in("[repair]\nmissing_row = \"update\"\n"), @r#"
    loan.toml:15:15: `update` does not mend `missing_row`
       |
    15 | missing_row = "update"
       |               ^
       = help: possible is `report`, `insert`
    "#);
}

#[test]
fn an_insert_without_an_enumeration() {
    assert_snapshot!(ending_in("[repair]\nmissing_row = \"insert\"\n"), @r#"
    loan.toml:15:15: nothing finds missing rows without `enumerate`
       |
    15 | missing_row = "insert"
       |               ^
       = help: say in [chain] which keys exist, as in `enumerate = { counter = { … } }`
    "#);
}

#[test]
fn a_repair_of_transactions_for_entries() {
    assert_snapshot!(ending_in("[repair]\norphaned_pending_transaction = \"update\"\n"), @r#"
    loan.toml:15:32: an entry is no transaction, and is never an orphaned pending one
       |
    15 | orphaned_pending_transaction = "update"
       |                                ^
       = help: it belongs to a spec with `source = "transaction"`
    "#);
}

#[test]
fn missed_events_for_entries() {
    assert_snapshot!(ending_in("[repair]\nmissed_event = \"insert\"\n"), @r#"
    loan.toml:15:16: an entry is never a missed event
       |
    15 | missed_event = "insert"
       |                ^
       = help: it belongs to a spec with `source = "transaction"`; an entry without a row is a `missing_row`
    "#);
}

#[test]
fn a_resolve_without_provisional_rows() {
    assert_snapshot!(ending_in("[repair]\nprovisional_id = \"resolve\"\n"), @r#"
    loan.toml:15:18: nothing finds provisional rows without [provisional]
       |
    15 | provisional_id = "resolve"
       |                  ^
       = help: say which rows are provisional, in a table `[provisional]`
    "#);
}

#[test]
fn provisional_rows_that_are_not_described() {
    assert_snapshot!(ending_in("[provisional]\nevent = { topics = [], id = \"value\" }\nreferences = [\"payments\"]\n"), @r#"
    loan.toml:14:1: [provisional] has no `when`
       |
    14 | [provisional]
       | ^
       = help: write SQL over the row that is true of a made-up key, as in `when = "loan_id like 'pending-%'"`

    loan.toml:15:20: an event has 1 to 4 topics
       |
    15 | event = { topics = [], id = "value" }
       |                    ^

    loan.toml:15:29: `id` in `event` in [provisional] is no place in an event
       |
    15 | event = { topics = [], id = "value" }
       |                             ^
       = help: a place in an event begins with `data` or `topics[0]` to `topics[3]`

    loan.toml:16:16: `payments` does not name a column of a table
       |
    16 | references = ["payments"]
       |                ^
       = help: a reference is `table.column` or `schema.table.column`
    "#);
}

#[test]
fn provisional_rows_whose_creation_is_half_described() {
    assert_snapshot!(
        ending_in(
            "[provisional]\nwhen = \"true\"\nid = \"[0]\"\nfailed = { loan_id = \"x\" }\nexpired = {}\nevent = { topics = [\"A\"], id = [\"data[0]\", \"data[1]\"] }\n"
        ),
        @r#"
    loan.toml:16:6: `id` in [provisional] needs `transaction`
       |
    16 | id = "[0]"
       |      ^
       = help: name the column with the hash of the creating transaction: `transaction = "tx_hash"`

    loan.toml:16:6: `id` in [provisional] is about the return value
       |
    16 | id = "[0]"
       |      ^
       = help: leave it out here: with an event, its `id` says where the key is

    loan.toml:17:10: `failed` in [provisional] needs `transaction`
       |
    17 | failed = { loan_id = "x" }
       |          ^
       = help: name the column with the hash of the creating transaction: `transaction = "tx_hash"`

    loan.toml:18:11: `expired` in [provisional] needs `transaction`
       |
    18 | expired = {}
       |           ^
       = help: name the column with the hash of the creating transaction: `transaction = "tx_hash"`

    loan.toml:18:11: `expired` in [provisional] names no column
       |
    18 | expired = {}
       |           ^
       = help: leave it out, or write `{ status = "failed" }`
    "#
    );
}

#[test]
fn provisional_rows_that_nothing_can_find_a_key_for() {
    assert_snapshot!(ending_in("[provisional]\nwhen = \"true\"\n\n[repair]\nprovisional_id = \"resolve\"\n"), @r#"
    loan.toml:14:1: nothing says how a provisional row finds its key
       |
    14 | [provisional]
       | ^
       = help: name the column with the creating transaction's hash (`transaction`), or the event that the creation emits (`event`)
    "#);
}

#[test]
fn places_and_decimals_of_an_event_that_are_none() {
    assert_snapshot!(
        ending_in(
            "[provisional]\nwhen = \"true\"\nevent = { topics = [\"A\"], id = \"data\", at = \"created_at\", match = { amount = { path = \"data[1]\", decimals = 99 }, other = { decimals = 2 } } }\n"
        ),
        @r#"
    loan.toml:16:109: `decimals` in an element of `match` should lie between 0 and 38
       |
    16 | event = { topics = ["A"], id = "data", at = "created_at", match = { amount = { path = "data[1]", decimals = 99 }, other = { decimals = 2 } } }
       |                                                                                                             ^

    loan.toml:16:123: an element of `match` has no `path`
       |
    16 | event = { topics = ["A"], id = "data", at = "created_at", match = { amount = { path = "data[1]", decimals = 99 }, other = { decimals = 2 } } }
       |                                                                                                                           ^
       = help: write where in the event it is, as in `path = "data[1]"`
    "#
    );
}

#[test]
fn a_guard_that_is_no_limit() {
    assert_snapshot!(ending_in("[guard]\nmax_share = \"101%\"\nmax_count = -1\nceiling = 5\n"), @r#"
    loan.toml:15:14: `101%` is not a percentage
       |
    15 | max_share = "101%"
       |              ^
       = help: write a number from 0 to 100 with at most 6 digits behind the point, and a percent sign: `10%`, `0.5%`; `100%` allows any share

    loan.toml:16:13: `max_count` in [guard] should lie between 0 and 1000000000000
       |
    16 | max_count = -1
       |             ^

    loan.toml:17:1: unknown key `ceiling` in [guard]
       |
    17 | ceiling = 5
       | ^
       = help: the keys here are `max_share`, `max_count`, `floor`, `window`
    "#);
    assert_snapshot!(ending_in("[guard]\nmax_share = 0.1\n"), @r#"
    loan.toml:15:13: `max_share` in [guard] is a float, and should be a percentage in a string, as in "10%"
       |
    15 | max_share = 0.1
       |             ^
    "#);
    assert_snapshot!(ending_in("[guard]\nmax_count = 10\nfloor = 11\n"), @r"
    loan.toml:16:9: `floor` is above `max_count`, which is 10
       |
    16 | floor = 11
       |         ^
       = help: `floor` says how many writes the share does not count, and no run writes more than `max_count`
    ");
}
