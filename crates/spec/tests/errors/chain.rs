//! `[chain]`: source, contract and entry.

use insta::assert_snapshot;

use crate::{CONTRACT, FIELD, HEAD, chain_with, entry, errors, with_chain};

#[test]
fn no_chain() {
    assert_snapshot!(errors(&format!("{HEAD}{FIELD}")), @r#"
    loan.toml:1:1: the spec has no `chain`
      |
    1 | kind = "loan"
      | ^
      = help: say where the chain's side comes from, in a table `[chain]`
    "#);
}

#[test]
fn an_unknown_source() {
    assert_snapshot!(with_chain("source = \"sorobam\"\n"), @r#"
    loan.toml:5:11: `sorobam` is no source; did you mean `soroban`?
      |
    5 | source = "sorobam"
      |           ^
      = help: one of `soroban`, `transaction`, `asset_balance`, `account`, `view`
    "#);
}

#[test]
fn a_source_of_a_later_version() {
    assert_snapshot!(with_chain("source = \"events\"\n"), @r#"
    loan.toml:5:11: the source `events` is not supported by this version
      |
    5 | source = "events"
      |           ^
      = help: this version reads `soroban`, `transaction`, `asset_balance`, `account`, `view`
    "#);
}

#[test]
fn a_contract_that_is_mistyped() {
    assert_snapshot!(with_chain("source = \"soroban\"\ncontract = \"CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSD\"\nentry = \"instance\"\n[values]\namount = { path = \"\", type = \"numeric\" }"), @r#"
    loan.toml:6:13: `CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSD` is not a contract's address
      |
    6 | contract = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSD"
      |             ^
      = help: a contract's address has 56 characters and begins with C; check that it was copied whole
    "#);
}

#[test]
fn a_contract_that_is_an_account() {
    assert_snapshot!(with_chain("source = \"soroban\"\ncontract = \"GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7\"\nentry = \"instance\"\n[values]\namount = { path = \"\", type = \"numeric\" }"), @r#"
    loan.toml:6:13: `GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7` is an account, not a contract
      |
    6 | contract = "GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
      |             ^
      = help: a contract's address has 56 characters and begins with C; check that it was copied whole
    "#);
}

#[test]
fn a_durability_that_is_none() {
    assert_snapshot!(chain_with("durability = \"permanent\"\n"), @r#"
    loan.toml:8:15: `permanent` is no durability
      |
    8 | durability = "permanent"
      |               ^
      = help: one of `persistent`, `temporary`
    "#);
}

#[test]
fn a_temporary_instance() {
    assert_snapshot!(with_chain(&format!("source = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = \"instance\"\ndurability = \"temporary\"\n[values]\namount = {{ path = \"\", type = \"numeric\" }}")), @r#"
    loan.toml:8:14: a contract's instance is always persistent
      |
    8 | durability = "temporary"
      |              ^
      = help: leave `durability` out
    "#);
}

#[test]
fn an_entry_that_is_a_string() {
    assert_snapshot!(entry("\"COUNTER\""), @r#"
    loan.toml:7:10: `COUNTER` is not an entry
      |
    7 | entry = "COUNTER"
      |          ^
      = help: only `"instance"` is written as a string; a symbol is `{ symbol = "COUNTER" }`
    "#);
}

#[test]
fn an_entry_without_parts() {
    assert_snapshot!(entry("[]"), @r#"
    loan.toml:7:9: `entry` in [chain] has no parts
      |
    7 | entry = []
      |         ^
      = help: a part is a table of one key: `{ symbol = "Loan" }`, `{ u64 = "loan_id" }`, `{ address = "wallet" }`, …
    "#);
}

#[test]
fn a_part_without_a_type() {
    assert_snapshot!(entry("[\"Loan\", { u64 = \"id\" }]"), @r#"
    loan.toml:7:11: the part `Loan` does not say of which type it is
      |
    7 | entry = ["Loan", { u64 = "id" }]
      |           ^
      = help: a symbol is `{ symbol = "Loan" }`, a column's value `{ u64 = "Loan" }`
    "#);
}

#[test]
fn a_part_of_an_unknown_type() {
    assert_snapshot!(entry("[{ u46 = \"id\" }]"), @r#"
    loan.toml:7:12: `u46` is no type of a part; did you mean `u64`?
      |
    7 | entry = [{ u46 = "id" }]
      |            ^
      = help: one of `bool`, `u32`, `i32`, `u64`, `i64`, `u128`, `i128`, `u256`, `i256`, `timepoint`, `duration`, `symbol`, `string`, `bytes`, `address`, `vec`, `map`, `struct`
    "#);
}

#[test]
fn a_part_with_two_types() {
    assert_snapshot!(entry("[{ u64 = \"id\", u32 = \"id\" }]"), @r#"
    loan.toml:7:10: a part has exactly one key, its type
      |
    7 | entry = [{ u64 = "id", u32 = "id" }]
      |          ^
      = help: a part is a table of one key: `{ symbol = "Loan" }`, `{ u64 = "loan_id" }`, `{ address = "wallet" }`, …
    "#);
}

#[test]
fn a_symbol_that_is_none() {
    assert_snapshot!(entry("[{ symbol = \"Loan Book\" }]"), @r#"
    loan.toml:7:22: `Loan Book` is not a symbol
      |
    7 | entry = [{ symbol = "Loan Book" }]
      |                      ^
      = help: a symbol has 1 to 32 of A-Z, a-z, 0-9 and `_`; one that a column holds is `{ symbol = { sql = "code" } }`
    "#);
}

#[test]
fn a_member_of_a_map_that_is_no_pair() {
    assert_snapshot!(entry("[{ map = [[{ u32 = \"a\" }]] }]"), @r#"
    loan.toml:7:19: a member of a map is a pair
      |
    7 | entry = [{ map = [[{ u32 = "a" }]] }]
      |                   ^
      = help: write `{ map = [[{ symbol = "id" }, { u64 = "id" }]] }`
    "#);
}

#[test]
fn a_map_with_the_same_key_twice() {
    assert_snapshot!(entry("[{ map = [[{ symbol = \"a\" }, { u32 = \"a\" }], [{ symbol = \"a\" }, { u32 = \"b\" }]] }]"), @r#"
    loan.toml:7:18: the map has the same key twice
      |
    7 | entry = [{ map = [[{ symbol = "a" }, { u32 = "a" }], [{ symbol = "a" }, { u32 = "b" }]] }]
      |                  ^
    "#);
}
