//! Specs with `source = "asset_balance"`, `"account"` and `"view"`.

use insta::assert_snapshot;

use crate::{HEAD, errors, with_chain};

/// A sound spec of a balance or an account but for its `[chain]`.
fn given(chain: &str) -> String {
    errors(&format!("{HEAD}[chain]\n{chain}\n[[field]]\ncolumn = \"amount\"\nvalue = \"balance\"\n"))
}

#[test]
fn a_balance_without_asset_and_holder() {
    assert_snapshot!(given("source = \"asset_balance\"\n"), @r#"
    loan.toml:4:1: [chain] has no `asset`
      |
    4 | [chain]
      | ^
      = help: write `"USDC:G…"`, `"native"`, `{ code = "…", issuer = "…" }` or `{ contract = "C…" }`

    loan.toml:4:1: [chain] has no `holder`
      |
    4 | [chain]
      | ^
      = help: name the key column with the holder's address, as in `holder = "wallet"`
    "#);
}

#[test]
fn an_asset_that_is_none() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = \"USDC\"\n"), @r#"
    loan.toml:7:10: `USDC` is not an asset
      |
    7 | asset = "USDC"
      |          ^
      = help: write `"USDC:G…"`, `"native"`, `{ code = "…", issuer = "…" }` or `{ contract = "C…" }`
    "#);
}

#[test]
fn an_asset_that_is_an_address() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = \"CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC\"\n"), @r#"
    loan.toml:7:10: `CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC` is an address, not an asset
      |
    7 | asset = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC"
      |          ^
      = help: write `"USDC:G…"`, `"native"`, `{ code = "…", issuer = "…" }` or `{ contract = "C…" }`
    "#);
}

#[test]
fn an_asset_with_a_code_that_is_none() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = \"US-DC:GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7\"\n"), @r#"
    loan.toml:7:10: `US-DC` is not the code of an asset
      |
    7 | asset = "US-DC:GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN7"
      |          ^
      = help: a code has 1 to 12 of A-Z, a-z and 0-9
    "#);
}

#[test]
fn an_issuer_that_is_mistyped() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = \"USDC:GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN8\"\n"), @r#"
    loan.toml:7:15: `GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN8` is not an account's address
      |
    7 | asset = "USDC:GAAZI4TCR3TY5OJHCTJC2A4QSY6CJWJH5IAJTGKIN2ER7LBNVKOCCWN8"
      |               ^
      = help: an issuer's address has 56 characters and begins with G; check that it was copied whole
    "#);
}

#[test]
fn an_issuer_that_is_a_contract() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = \"USDC:CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC\"\n"), @r#"
    loan.toml:7:15: `CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC` is a contract, not an issuer
      |
    7 | asset = "USDC:CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC"
      |               ^
      = help: an asset is issued by an account; a token of a contract is `{ contract = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC" }`
    "#);
}

#[test]
fn an_asset_of_columns_without_its_issuer() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = { code = \"code\", isuer = \"issuer\" }\n"), @r#"
    loan.toml:7:9: `asset` in [chain] has no `issuer`
      |
    7 | asset = { code = "code", isuer = "issuer" }
      |         ^
      = help: write `"USDC:G…"`, `"native"`, `{ code = "…", issuer = "…" }` or `{ contract = "C…" }`

    loan.toml:7:26: unknown key `isuer` in `asset` in [chain]; did you mean `issuer`?
      |
    7 | asset = { code = "code", isuer = "issuer" }
      |                          ^
      = help: the keys here are `contract`, `code`, `issuer`
    "#);
}

#[test]
fn decimals_of_a_classic_asset() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = { code = \"code\", issuer = \"issuer\", decimals = 2 }\n"), @r#"
    loan.toml:7:45: unknown key `decimals` in `asset` in [chain]
      |
    7 | asset = { code = "code", issuer = "issuer", decimals = 2 }
      |                                             ^
      = help: the keys here are `contract`, `code`, `issuer`
    "#);
}

#[test]
fn values_and_missing_rows_of_balances() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = \"native\"\n[values]\namount = { path = \"\", type = \"numeric\" }\n[repair]\nmissing_row = \"insert\"\n[insert]\na = \"1\"\n"), @r#"
    loan.toml:8:1: the values of a balance are given
      |
    8 | [values]
      | ^
      = help: leave it out; SQL may use `chain.balance`, `chain.authorized`, `chain.clawback`, `chain.limit`, `chain.buying_liabilities`, `chain.selling_liabilities`

    loan.toml:11:15: nothing says which balances lack a row
       |
    11 | missing_row = "insert"
       |               ^
       = help: leave `missing_row` out

    loan.toml:12:1: [insert] has no use for balances: nothing says which of them lack a row
       |
    12 | [insert]
       | ^
       = help: leave it out
    "#);
}

#[test]
fn an_account_without_its_column() {
    assert_snapshot!(given("source = \"account\"\nholder = \"id\"\n"), @r#"
    loan.toml:4:1: [chain] has no `account`
      |
    4 | [chain]
      | ^
      = help: name the key column with the account's address, as in `account = "wallet"`

    loan.toml:6:1: unknown key `holder` in [chain]
      |
    6 | holder = "id"
      | ^
      = help: the keys here are `source`, `account`
    "#);
}

#[test]
fn values_of_accounts() {
    assert_snapshot!(given("source = \"account\"\naccount = \"id\"\n[values]\namount = { path = \"\", type = \"numeric\" }\n"), @r#"
    loan.toml:7:1: the values of an account are given
      |
    7 | [values]
      | ^
      = help: leave it out; SQL may use `chain.balance`, `chain.sequence`, `chain.subentries`, `chain.flags`, `chain.home_domain`, `chain.master_weight`, `chain.low_threshold`, `chain.medium_threshold`, `chain.high_threshold`, `chain.buying_liabilities`, `chain.selling_liabilities`, `chain.sponsored`, `chain.sponsoring`, `chain.signers`, `chain.last_modified`
    "#);
}

#[test]
fn a_view_without_its_function() {
    assert_snapshot!(with_chain("source = \"view\"\ncontract = \"CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC\"\n[values]\namount = { path = \"\", type = \"numeric\" }\n"), @r#"
    loan.toml:4:1: [chain] has no `function`
      |
    4 | [chain]
      | ^
      = help: name the function that computes it, as in `function = "get_price"`
    "#);
}

#[test]
fn functions_that_cannot_be_called() {
    assert_snapshot!(with_chain("source = \"view\"\ncontract = \"CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC\"\nfunction = \"get-price\"\n[values]\namount = { path = \"\", type = \"numeric\" }\n"), @r#"
    loan.toml:7:13: `get-price` is not the name of a function
      |
    7 | function = "get-price"
      |             ^
      = help: a name has 1 to 32 of A-Z, a-z, 0-9 and `_`
    "#);
}

#[test]
fn the_constructor_is_not_called() {
    assert_snapshot!(with_chain("source = \"view\"\ncontract = \"CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC\"\nfunction = \"__constructor\"\n[values]\namount = { path = \"\", type = \"numeric\" }\n"), @r#"
    loan.toml:7:13: `__constructor` cannot be called
      |
    7 | function = "__constructor"
      |             ^
      = help: functions that begin with `__` are called by the host alone
    "#);
}

#[test]
fn arguments_of_a_view_that_are_no_parts() {
    assert_snapshot!(with_chain("source = \"view\"\ncontract = \"CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC\"\nfunction = \"price\"\narguments = [\"id\"]\n[values]\namount = { path = \"\", type = \"numeric\" }\n"), @r#"
    loan.toml:8:15: the part `id` does not say of which type it is
      |
    8 | arguments = ["id"]
      |               ^
      = help: a symbol is `{ symbol = "id" }`, a column's value `{ u64 = "id" }`
    "#);
}

#[test]
fn an_orphaned_pending_balance() {
    assert_snapshot!(given("source = \"asset_balance\"\nholder = \"id\"\nasset = \"native\"\n[repair]\norphaned_pending_transaction = \"update\"\n"), @r#"
    loan.toml:9:32: an entry is no transaction, and is never an orphaned pending one
      |
    9 | orphaned_pending_transaction = "update"
      |                                ^
      = help: it belongs to a spec with `source = "transaction"`
    "#);
}
