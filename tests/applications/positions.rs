//! A pool: composite keys, sharded on chain; amounts in base units and in units; missing rows that are inserted.

use crate::applications::support::values::{address, i128, structure, symbol, vec};
use crate::applications::support::{Application, Snapshot, account, contract};
use stellar_xdr::ScVal;

const TABLES: &str = "
CREATE SCHEMA app;
CREATE TABLE app.known_positions (wallet text, pool_id int);
CREATE TABLE app.positions (
    wallet text NOT NULL,
    pool_id integer NOT NULL,
    shares numeric(39) NOT NULL,
    deposit_usdc numeric(20,2),
    unlocked boolean,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz DEFAULT now() - interval '1 day',
    PRIMARY KEY (wallet, pool_id)
)";

const SPEC: &str = r#"
kind    = "position"
table   = "app.positions"
key     = ["wallet", "pool_id"]
changed = "updated_at"

[chain]
source    = "soroban"
contract  = "${POOL_CONTRACT}"
entry     = [{ symbol = "Position" }, { u32 = "pool_id % 16" }, { address = "wallet" }, { u32 = "pool_id" }]
enumerate = { sql = "select wallet, pool_id from app.known_positions" }

[values]
shares   = { path = "shares",   type = "numeric" }
deposit  = { path = "deposit",  type = "numeric", decimals = 7 }
unlocked = { path = "unlocked", type = "bool" }

[[field]]
column = "shares"
value  = "shares"

[[field]]
column = "deposit_usdc"
value  = "round(chain.deposit, 2)"
type   = "numeric"

[[field]]
column = "unlocked"
value  = "unlocked"

[[condition]]
name     = "no shares without a deposit"
holds    = "chain.shares = 0 or chain.deposit > 0"
priority = "high"

[repair]
stale_value = "update"
missing_row = "insert"
"#;

/// More than 2^64 and every digit counts.
const SHARES: i128 = 170_141_183_460_469_231_731_687_303_715_884_105_727;

fn position(shares: i128, deposit: i128) -> ScVal {
    structure([("shares", i128(shares)), ("deposit", i128(deposit)), ("unlocked", ScVal::Bool(true)), ("other", ScVal::Void)])
}

fn key(wallet: &str, pool: u32) -> ScVal {
    vec([symbol("Position"), ScVal::U32(pool % 16), address(wallet), ScVal::U32(pool)])
}

#[tokio::test]
async fn composite_keys_huge_and_negative_shares_and_rounded_units() {
    let (pool, alice, vault) = (contract(2), account(1), contract(77));
    let chain = Snapshot::default()
        .instance(&pool)
        .entry(&pool, key(&alice, 1), position(SHARES, 12_345_678_901))
        .entry(&pool, key(&alice, 17), position(i128::MIN, 10_000_000))
        .entry(&pool, key(&vault, 3), position(-5, 49_999))
        .entry(&pool, key(&vault, 4), position(7, 0))
        .entry(&pool, key(&alice, 33), position(SHARES - 1, 20_000_000));
    let application = Application::new(TABLES, &chain, &SPEC.replace("${POOL_CONTRACT}", &pool)).await;
    let rows = format!(
        "INSERT INTO app.positions (wallet, pool_id, shares, deposit_usdc, unlocked, created_at) VALUES
            ('{alice}', 1, {SHARES} - 1, 1234.57, true, now()),
            ('{alice}', 17, {}, 1, NULL, now()),
            ('{vault}', 3, -5, 0.01, true, now()),
            ('{vault}', 4, 7, 0, true, now());
         INSERT INTO app.known_positions SELECT wallet, pool_id FROM app.positions;
         INSERT INTO app.known_positions VALUES ('{alice}', 33), ('{alice}', 999)",
        i128::MIN
    );
    application.sql(&rows).await;
    let condition = format!(r#"position ["{vault}", "4"] condition_violated no shares without a deposit: "#);
    let found = application.detect().await.expect(3).drifts();
    let condition = found.iter().find(|drift| drift.starts_with(&condition)).expect("the violated condition").clone();
    let mut expected = [
        format!(r#"position ["{alice}", "17"] stale_value unlocked: ∅ → true"#),
        format!(r#"position ["{alice}", "1"] stale_value shares: {} → {SHARES}"#, SHARES - 1),
        format!(r#"position ["{alice}", "33"] missing_row: ∅ → ["{alice}", "33"]"#),
        format!(r#"position ["{vault}", "3"] stale_value deposit_usdc: 0.01 → 0"#),
        condition.clone(),
    ];
    expected.sort();
    application.mends_but(&expected.each_ref().map(String::as_str), &[&condition]).await;
    let inserted = application.value("SELECT concat_ws(' ', shares, deposit_usdc, unlocked) FROM app.positions WHERE pool_id = 33").await;
    assert_eq!(inserted, format!("{} 2.00 t", SHARES - 1));
}

#[tokio::test]
async fn a_new_row_may_say_when_it_was_inserted() {
    let (pool, alice) = (contract(2), account(1));
    let chain = Snapshot::default().instance(&pool).entry(&pool, key(&alice, 1), position(5, 10_000_000));
    let spec = SPEC.replace("${POOL_CONTRACT}", &pool).replace("[repair]", "[insert]\ncreated_at = \"now()\"\n\n[repair]");
    let application = Application::new(&TABLES.replace("DEFAULT now(),", ","), &chain, &spec).await;
    application.sql(&format!("INSERT INTO app.known_positions VALUES ('{alice}', 1)")).await;
    application.mends(&[&format!(r#"position ["{alice}", "1"] missing_row: ∅ → ["{alice}", "1"]"#)]).await;
}
