//! Specs that are wrong, in themselves or for this database.

use crate::applications::support::contract;
use crate::bad_input::bank::{assert_untouched, bank, spec, spec_with};

/// Every command that needs the spec refuses it, with the place.
async fn refused(spec: &str, parts: &[&str]) {
    let bank = bank(spec).await;
    for command in [&["check"][..], &["run", "--mode", "repair"]] {
        bank.trueup(command).await.refused(parts);
    }
    assert_untouched(&bank).await;
}

#[tokio::test]
async fn broken_toml() {
    refused(&spec_with("\"accounts\"", "accounts\""), &["entity.toml:2:", "this is not TOML", "help:"]).await;
}

#[tokio::test]
async fn an_unknown_key() {
    refused(&spec_with("class  =", "clas   ="), &["entity.toml:18:", "unknown key `clas`", "did you mean `class`"]).await;
}

#[tokio::test]
async fn a_table_that_does_not_exist() {
    refused(&spec_with("\"accounts\"", "\"account\""), &["entity.toml:2:", "no table public.account", "there is `public.accounts`"]).await;
}

#[tokio::test]
async fn an_unknown_column() {
    refused(&spec_with("column = \"balance\"", "column = \"balanse\""), &["has no column `balanse`", "`balance`"]).await;
}

#[tokio::test]
async fn a_column_of_a_type_that_does_not_compare() {
    refused(&spec_with("column = \"balance\"", "column = \"frozen\""), &["`frozen` is boolean", "type = \"bool\""]).await;
}

#[tokio::test]
async fn a_key_that_is_not_unique() {
    refused(
        &spec_with("key   = \"number\"", "key   = \"frozen\"").replace("u64 = \"number\"", "u64 = \"1\""),
        &["entity.toml:3:", "unique"],
    )
    .await;
}

#[tokio::test]
async fn sql_that_postgres_does_not_take() {
    refused(&spec_with("u64 = \"number\"", "u64 = \"number +\""), &["entity.toml:8:", "syntax error"]).await;
    refused(&spec_with("u64 = \"number\"", "u64 = \"balance\""), &["entity.toml:8:", "may use the key only: `number`"]).await;
    refused(&spec_with("[chain]", "where = \"balance\"\n\n[chain]"), &["entity.toml:5:", "not a condition"]).await;
}

#[tokio::test]
async fn an_environment_variable_that_is_not_set() {
    let spec = spec().replace(&contract(1), "${NOWHERE_CONTRACT}");
    refused(&spec, &["entity.toml:7:", "`NOWHERE_CONTRACT` is not set", "export NOWHERE_CONTRACT"]).await;
}

#[tokio::test]
async fn an_address_that_is_no_contract() {
    let account = crate::applications::support::account(1);
    refused(&spec().replace(&contract(1), &account), &["entity.toml:7:", "account", "help:"]).await;
    refused(&spec().replace(&contract(1), "CABAEAQC"), &["entity.toml:7:", "not a contract's address", "56 characters"]).await;
}

#[tokio::test]
async fn all_errors_of_all_files_at_once() {
    let bank = bank(&spec_with("\"accounts\"", "\"account\"")).await;
    bank.spec("other.toml", &spec_with("column = \"balance\"", "column = \"balanse\"").replace("\"account\"", "\"other\""));
    bank.trueup(&["check"]).await.refused(&["entity.toml:2:", "other.toml:21:"]);
}

#[tokio::test]
async fn two_files_of_one_kind() {
    let bank = bank(&spec()).await;
    bank.spec("copy.toml", &spec());
    bank.trueup(&["run"]).await.refused(&["the kind `account`"]);
    assert_untouched(&bank).await;
}

#[tokio::test]
async fn no_specs_and_unknown_kinds() {
    let bank = bank(&spec()).await;
    let mut command = bank.command(&["run"]);
    command.env_remove("TRUEUP_SPECS");
    crate::applications::support::application::ended(command).await.refused(&[
        "no specs are named",
        "--specs",
        "TRUEUP_SPECS",
        "docs/spec.md",
    ]);
    bank.trueup(&["run", "--specs", "nowhere"]).await.refused(&["nowhere", "no such file or folder"]);
    bank.trueup(&["run", "acount"]).await.refused(&["no spec for kind `acount`", "specs for account"]);
    assert_untouched(&bank).await;
}

#[tokio::test]
async fn a_contract_that_does_not_exist() {
    let bank = bank(&spec().replace(&contract(1), &contract(9))).await;
    let checked = bank.trueup(&["check"]).await.expect(1);
    assert!(checked.out.contains("is not on this network; check the address"), "{}", checked.out);
    let ran = bank.trueup(&["run", "--mode", "repair"]).await.expect(4);
    assert!(ran.out.contains("unknown:no_instance") && ran.out.contains("check its address and the network"), "{}", ran.out);
    assert!(ran.out.contains("No drift in what could be judged."), "{}", ran.out);
    assert_eq!(bank.value("SELECT sum(balance) FROM accounts").await, "33.0000000");
}
