//! Numbers: text keys of numeric chain keys, 256 bits, base units beside units, numbered enums, text columns.

use crate::applications::support::values::{i128, i256, structure, u128};
use crate::applications::support::{Application, Snapshot, contract};
use stellar_xdr::ScVal;

const TABLES: &str = "CREATE TABLE vaults (
    vault_no text PRIMARY KEY,
    stroops bigint,
    xlm numeric(20,7),
    text_amount text,
    wei numeric,
    state smallint,
    state_name text,
    cents numeric(12,2)
)";

const SPEC: &str = r#"
kind  = "vault"
table = "vaults"
key   = "vault_no"

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = { u128 = "vault_no" }
enumerate = { counter = { entry = { symbol = "COUNTER" }, path = "made", first = 1, holds = "count" } }

[values]
base  = { path = "amount", type = "numeric" }
units = { path = "amount", type = "numeric", decimals = 7 }
wei   = { path = "wei", type = "numeric", decimals = 18 }
state = { path = "state", type = "numeric" }
label = { path = "state", type = "text" }

[[field]]
column = "stroops"
value  = "base"

[[field]]
column = "xlm"
value  = "units"

[[field]]
column = "text_amount"
value  = "units"

[[field]]
column = "wei"
value  = "wei"

[[field]]
column = "state"
value  = "state"

[[field]]
column = "state_name"
value  = "label"
map    = { 0 = "open", 1 = "closed" }

[[field]]
column = "cents"
value  = "units"

[repair]
stale_value = "update"
missing_row = "insert"
"#;

fn vault(amount: i128, state: u32) -> ScVal {
    structure([("amount", i128(amount)), ("wei", i256(-1, 5)), ("state", ScVal::U32(state))])
}

#[tokio::test]
async fn text_keys_of_numbers_and_one_amount_in_four_columns() {
    let vaults = contract(8);
    let wei = "-340282366920938463463.374607431768211451";
    let chain = Snapshot::default()
        .instance(&vaults)
        .entry(&vaults, crate::applications::support::values::symbol("COUNTER"), structure([("made", ScVal::U64(3))]))
        .entry(&vaults, u128(1), vault(25_000_000, 0))
        .entry(&vaults, u128(2), vault(-1_234_500_000, 1))
        .entry(&vaults, u128(3), vault(1, 0));
    let application = Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &vaults)).await;
    application
        .sql(&format!(
            "INSERT INTO vaults VALUES ('1', 25000000, 2.5, '2.50', {wei}, 0, 'open', 2.5), ('2', 0, -123.4500000, '1e2', {wei}, NULL, 'open', 0)"
        ))
        .await;
    let base_unit = "vault 3 missing_row: ∅ → 3";
    application
        .mends_but(
            &[
                "vault 2 stale_value cents: 0 → -123.45",
                "vault 2 stale_value state: ∅ → 1",
                "vault 2 stale_value state_name: open → closed",
                "vault 2 stale_value stroops: 0 → -1234500000",
                "vault 2 stale_value text_amount: 100 → -123.45",
                base_unit,
            ],
            &[base_unit],
        )
        .await;
    let refused = application.trueup(&["report", "2"]).await.out;
    assert!(refused.contains("cents"), "a base unit is lost in two decimals: {refused}");
}

#[tokio::test]
async fn text_that_is_no_number_fails_alone() {
    let vaults = contract(8);
    let chain = Snapshot::default().instance(&vaults).entry(&vaults, u128(1), vault(10_000_000, 0)).entry(&vaults, u128(2), vault(0, 0));
    let application = Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &vaults)).await;
    application.sql("INSERT INTO vaults (vault_no, text_amount) VALUES ('1', 'one'), ('2', '0'), ('0x3', '0'), ('-1', '0')").await;
    let detected = application.detect().await;
    assert_eq!(detected.verdict("vault", "failed"), 3);
    assert_eq!(detected.verdict("vault", "drifted"), 1);
    let dead = application.trueup(&["jobs", "list", "--state", "dead"]).await.expect(0).out;
    for part in ["one", "0x3", "-1"] {
        assert!(dead.contains(part), "{part} in\n{dead}");
    }
}
