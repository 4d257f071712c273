//! The file as a whole, and the keys above the first table.

use insta::assert_snapshot;

use crate::{HEAD, chain_with, ending_in, errors, head, with_chain};

#[test]
fn text_that_is_not_toml() {
    assert_snapshot!(head("kind = \"loan\"\ntable = loans\n"), @r#"
    loan.toml:2:9: this is not TOML: string values must be quoted, expected literal string
      |
    2 | table = loans
      |         ^
      = help: the file is TOML: `key = "value"`, `[table]`, `[[list of tables]]`
    "#);
}

#[test]
fn a_key_that_stands_twice() {
    assert_snapshot!(head("kind = \"loan\"\nkind = \"loan\"\n"), @r#"
    loan.toml:2:1: this is not TOML: duplicate key
      |
    2 | kind = "loan"
      | ^
      = help: the file is TOML: `key = "value"`, `[table]`, `[[list of tables]]`
    "#);
}

#[test]
fn an_unknown_key_that_is_nearly_a_known_one() {
    assert_snapshot!(ending_in("[[field]]\ncolum = \"status\"\nvalue = \"state\"\n"), @r#"
    loan.toml:14:1: [[field]] has no `column`
       |
    14 | [[field]]
       | ^
       = help: name the column that is compared, as in `column = "status"`

    loan.toml:15:1: unknown key `colum` in [[field]]; did you mean `column`?
       |
    15 | colum = "status"
       | ^
       = help: the keys here are `column`, `value`, `type`, `map`, `tolerance`, `class`, `read`, `write`
    "#);
}

#[test]
fn an_unknown_key_that_is_nothing_like_a_known_one() {
    assert_snapshot!(ending_in("[frobnicate]\n"), @r#"
    loan.toml:14:2: unknown key `frobnicate` in the spec
       |
    14 | [frobnicate]
       |  ^
       = help: the keys here are `kind`, `table`, `key`, `where`, `changed`, `settle`, `values`, `chain`, `field`, `condition`, `provisional`, `insert`, `repair`, `guard`, `touch`
    "#);
}

#[test]
fn a_key_of_the_top_that_stands_below_a_table() {
    assert_snapshot!(chain_with("where = \"true\"\n"), @r#"
    loan.toml:8:1: unknown key `where` in [chain]
      |
    8 | where = "true"
      | ^
      = help: `where` belongs above the first `[table]` of the file, since TOML gives a table all keys below it
    "#);
}

#[test]
fn every_error_of_a_file_is_reported() {
    assert_snapshot!(errors("table = \"a b\"\n[chain]\nsource = \"soroban\"\ncontract = \"C\"\n[[field]]\n"), @r#"
    loan.toml:1:1: the spec has no `kind`
      |
    1 | table = "a b"
      | ^
      = help: name what the rows are, as in `kind = "loan"`

    loan.toml:1:1: the spec has no `key`
      |
    1 | table = "a b"
      | ^
      = help: name the column (or the list of columns) that holds the chain key, as in `key = "loan_id"`

    loan.toml:1:10: `a b` is not a name that SQL takes unquoted
      |
    1 | table = "a b"
      |          ^
      = help: put parts with other characters or capital letters in double quotes, as in 'app."My Loans"'

    loan.toml:2:1: [chain] has no `entry`
      |
    2 | [chain]
      | ^
      = help: write the key of the contract's entry, as in `entry = [{ symbol = "Loan" }, { u64 = "loan_id" }]`

    loan.toml:4:13: `C` is not a contract's address
      |
    4 | contract = "C"
      |             ^
      = help: a contract's address has 56 characters and begins with C; check that it was copied whole

    loan.toml:5:1: [[field]] has no `column`
      |
    5 | [[field]]
      | ^
      = help: name the column that is compared, as in `column = "status"`

    loan.toml:5:1: [[field]] has no `value`
      |
    5 | [[field]]
      | ^
      = help: name what it is compared with: one of [values], or SQL over `chain.*`
    "#);
}

#[test]
fn a_wrong_type() {
    assert_snapshot!(head("kind = 1\ntable = \"loans\"\nkey = true\n"), @r#"
    loan.toml:1:8: `kind` in the spec is an integer, and should be a string
      |
    1 | kind = 1
      |        ^

    loan.toml:3:7: `key` in the spec is a boolean, and should be the name of a column
      |
    3 | key = true
      |       ^
    "#);
}

#[test]
fn a_variable_that_is_not_set() {
    assert_snapshot!(with_chain("source = \"soroban\"\ncontract = \"${LOAN_CONTRACT}\"\nentry = [{ u64 = \"id\" }]\n[values]\namount = { path = \"\", type = \"numeric\" }"), @r#"
    loan.toml:6:13: the environment variable `LOAN_CONTRACT` is not set
      |
    6 | contract = "${LOAN_CONTRACT}"
      |             ^
      = help: set it, as in `export LOAN_CONTRACT=…`; to write the characters themselves, write `$${LOAN_CONTRACT}`
    "#);
}

#[test]
fn a_variable_that_is_malformed() {
    assert_snapshot!(head("kind = \"loan\"\ntable = \"a${\"\nkey = \"id\"\n"), @r#"
    loan.toml:2:11: `${` is not an environment variable
      |
    2 | table = "a${"
      |           ^
      = help: a variable is written `${NAME}`; to write the characters `${` themselves, write `$${`
    "#);
}

#[test]
fn a_nul_character() {
    assert_snapshot!(head("kind = \"loan\"\ntable = \"loans\"\nkey = \"i\\u0000d\"\n"), @r#"
    loan.toml:3:7: `key` in the spec contains a NUL character, which Postgres does not take
      |
    3 | key = "i\u0000d"
      |       ^
    "#);
}

#[test]
fn a_kind_that_is_no_word() {
    assert_snapshot!(head("kind = \"My Loan\"\ntable = \"loans\"\nkey = \"id\"\n"), @r#"
    loan.toml:1:9: `My Loan` cannot name a kind
      |
    1 | kind = "My Loan"
      |         ^
      = help: a kind is a lower-case letter, then lower-case letters, digits, `_` or `-`, at most 63
    "#);
}

#[test]
fn a_table_that_needs_quotes() {
    assert_snapshot!(head("kind = \"loan\"\ntable = \"my loans\"\nkey = \"id\"\n"), @r#"
    loan.toml:2:10: `my loans` is not a name that SQL takes unquoted
      |
    2 | table = "my loans"
      |          ^
      = help: put parts with other characters or capital letters in double quotes, as in 'app."My Loans"'
    "#);
}

#[test]
fn a_table_with_too_many_parts() {
    assert_snapshot!(head("kind = \"loan\"\ntable = \"db.app.loans\"\nkey = \"id\"\n"), @r#"
    loan.toml:2:10: `db.app.loans` has too many parts
      |
    2 | table = "db.app.loans"
      |          ^
      = help: a table is `table` or `schema.table`, in the database that trueup connects to
    "#);
}

#[test]
fn no_key() {
    assert_snapshot!(head("kind = \"loan\"\ntable = \"loans\"\n"), @r#"
    loan.toml:1:1: the spec has no `key`
      |
    1 | kind = "loan"
      | ^
      = help: name the column (or the list of columns) that holds the chain key, as in `key = "loan_id"`
    "#);
}

#[test]
fn an_empty_key() {
    assert_snapshot!(head("kind = \"loan\"\ntable = \"loans\"\nkey = []\n"), @r#"
    loan.toml:3:7: `key` names 0 columns; it should name 1 to 32
      |
    3 | key = []
      |       ^
    "#);
}

#[test]
fn a_key_column_that_stands_twice() {
    assert_snapshot!(head("kind = \"loan\"\ntable = \"loans\"\nkey = [\"a\", \"a\"]\n"), @r#"
    loan.toml:3:14: `key` names `a` twice
      |
    3 | key = ["a", "a"]
      |              ^
    "#);
}

#[test]
fn a_name_that_is_too_long() {
    assert_snapshot!(head(&format!("kind = \"loan\"\ntable = \"loans\"\nkey = \"{}\"\n", "k".repeat(64))), @r#"
    loan.toml:3:8: `kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk` is longer than the 63 bytes of a Postgres name
      |
    3 | key = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
      |        ^
    "#);
}

#[test]
fn an_empty_expression() {
    assert_snapshot!(head(&format!("{HEAD}where = \" \"\n")), @r#"
    loan.toml:4:10: `where` in the spec is empty
      |
    4 | where = " "
      |          ^
      = help: leave the key out, or write an SQL expression
    "#);
}

#[test]
fn a_grace_that_is_no_duration() {
    assert_snapshot!(head(&format!("{HEAD}changed = \"updated_at\"\nsettle = {{ grace = \"soon\" }}\n")), @r#"
    loan.toml:5:21: `soon` is not a duration
      |
    5 | settle = { grace = "soon" }
      |                     ^
      = help: write a whole number and a unit, as in `10 seconds`, `5 minutes`, `1 hour`, `2 days`; at most 365 days
    "#);
}

#[test]
fn a_grace_without_changed() {
    assert_snapshot!(head(&format!("{HEAD}settle = {{ grace = \"10 seconds\" }}\n")), @r#"
    loan.toml:4:10: [settle] needs `changed`
      |
    4 | settle = { grace = "10 seconds" }
      |          ^
      = help: name the timestamp column that the application sets on each write: `changed = "updated_at"`
    "#);
}
