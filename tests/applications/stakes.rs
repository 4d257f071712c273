//! The ready specs of markets: stakes whose share is of a pool in another entry, and prices within a part of themselves.

use crate::applications::support::values::{address, i128, structure, symbol, variant, vec};
use crate::applications::support::{Application, Snapshot, account, contract};
use stellar_xdr::ScVal;

const TABLES: &str = include_str!("../../specs/markets/application.sql");
const MARKET: &str = include_str!("../../specs/markets/market.toml");
const STAKE: &str = include_str!("../../specs/markets/stake.toml");

fn market_key(slug: &str) -> ScVal {
    variant("Market", [symbol(slug)])
}

fn market(yes: i128, no: i128) -> ScVal {
    structure([("status", variant("Open", [])), ("yes", i128(yes)), ("no", i128(no))])
}

fn stake_key(slug: &str, wallet: &str) -> ScVal {
    variant("Stake", [symbol(slug), address(wallet)])
}

fn stake(side: &str, shares: i128) -> ScVal {
    structure([("side", variant(side, [])), ("shares", i128(shares))])
}

/// Two markets, two stakes in the first and one in the second.
async fn application() -> (Application, [String; 2]) {
    let (markets, wallets) = (contract(8), [account(1), account(2)]);
    let listed = structure([("MARKETS", vec([symbol("rain"), symbol("cup")]))]);
    let chain = Snapshot::default()
        .instance_storage(&markets, listed)
        .entry(&markets, market_key("rain"), market(30_000_000, 10_000_000))
        .entry(&markets, market_key("cup"), market(0, 0))
        .entry(&markets, stake_key("rain", &wallets[0]), stake("Yes", 20_000_000))
        .entry(&markets, stake_key("rain", &wallets[1]), stake("No", 10_000_000))
        .entry(&markets, stake_key("cup", &wallets[0]), stake("Yes", 0))
        .entry(&markets, stake_key("lost", &wallets[0]), stake("Yes", 5));
    let application = Application::new(TABLES, &chain, &MARKET.replace("${MARKET_CONTRACT}", &markets)).await;
    application.spec("stake.toml", &STAKE.replace("${MARKET_CONTRACT}", &markets));
    let [alice, bob] = &wallets;
    let rows = format!(
        "INSERT INTO markets VALUES ('rain', 'open', 3, 1, 0.7513, now() - interval '1 day'), ('cup', 'open', 0, 0, NULL, now() - interval '1 day');
         INSERT INTO stakes VALUES ('rain', '{alice}', 'yes', 2, 66.6667, now() - interval '1 day'),
            ('rain', '{bob}', 'no', 1, 100, now() - interval '1 day'), ('cup', '{alice}', 'yes', 0, NULL, now() - interval '1 day')"
    );
    application.sql(&rows).await;
    (application, wallets)
}

#[tokio::test]
async fn a_share_of_a_pool_is_judged_with_the_pools_own_entry() {
    let (application, [alice, bob]) = application().await;
    application.mends(&[]).await;
    application.sql("UPDATE stakes SET ownership = 50 WHERE market = 'rain'").await;
    let found = [
        format!(r#"stake ["rain", "{alice}"] stale_value ownership: 50 → 66.6667"#),
        format!(r#"stake ["rain", "{bob}"] stale_value ownership: 50 → 100"#),
    ];
    let mut found: Vec<&str> = found.iter().map(String::as_str).collect();
    found.sort_unstable();
    application.mends(&found).await;
    let evidence =
        "SELECT string_agg(DISTINCT json_array_length(chain_entry::json) || ' ' || (stamp ->> 'last_modified'), ',') FROM trueup.repairs";
    assert_eq!(application.value(evidence).await, "2 1000", "the bytes of both entries are kept");
}

#[tokio::test]
async fn without_the_entry_that_it_needs_a_row_is_unknown() {
    let (application, [alice, _]) = application().await;
    application.sql(&format!("INSERT INTO stakes VALUES ('lost', '{alice}', 'no', 7, 1, now() - interval '1 day')")).await;
    let repaired = application.repair().await.expect(4);
    assert_eq!(repaired.drifts(), [""; 0]);
    assert_eq!(repaired.json()["kinds"]["stake"]["not_judged"], serde_json::json!({ "unknown:undecodable": 1 }));
    let checked = application.trueup(&["check"]).await;
    assert!(checked.out.contains("the entry `market` is not on chain"), "{}", checked.out);
}

#[tokio::test]
async fn an_optional_entry_that_is_not_there_gives_null() {
    let (application, [alice, _]) = application().await;
    let optional = STAKE.replace("[chain.also.market]", "[chain.also.market]\noptional = true").replace("${MARKET_CONTRACT}", &contract(8));
    application.spec("stake.toml", &optional);
    application.sql(&format!("INSERT INTO stakes VALUES ('lost', '{alice}', 'yes', 0.0000005, 1, now() - interval '1 day')")).await;
    application.mends(&[format!(r#"stake ["lost", "{alice}"] stale_value ownership: 1 → ∅"#).as_str()]).await;
}

#[tokio::test]
async fn a_price_may_be_off_by_a_part_of_itself() {
    let (application, _) = application().await;
    // 0.75 on chain: half a percent is 0.00375.
    application.sql("UPDATE markets SET yes_price = 0.75375 WHERE slug = 'rain'").await;
    application.mends(&[]).await;
    application
        .sql("UPDATE markets SET yes_price = 0.753751 WHERE slug = 'rain'; UPDATE markets SET yes_price = 0 WHERE slug = 'cup'")
        .await;
    application.mends(&["market cup stale_value yes_price: 0 → ∅", "market rain stale_value yes_price: 0.753751 → 0.75"]).await;
}

#[tokio::test]
async fn a_division_by_zero_fails_its_row_alone() {
    let (application, _) = application().await;
    let markets = MARKET.replace("nullif(chain.yes + chain.no, 0)", "(chain.yes + chain.no)").replace("${MARKET_CONTRACT}", &contract(8));
    application.spec("entity.toml", &markets);
    application.sql("UPDATE markets SET yes_price = 0.1").await;
    let repaired = application.repair().await.expect(4);
    assert_eq!(repaired.drifts(), ["market rain stale_value yes_price: 0.1 → 0.75"]);
    assert_eq!(repaired.json()["kinds"]["market"]["not_judged"], serde_json::json!({ "failed": 1 }));
    let dead = application.trueup(&["jobs", "list", "--state", "dead"]).await.expect(0).out;
    assert!(dead.contains("division by zero"), "{dead}");
}

/// What does not fit into one call, and is not there in it, may be of any two ledgers.
#[tokio::test]
async fn entries_that_do_not_go_together_are_unknown_and_never_repaired() {
    let (application, [alice, bob]) = application().await;
    let optional = STAKE.replace("[chain.also.market]", "[chain.also.market]\noptional = true").replace("${MARKET_CONTRACT}", &contract(8));
    application.spec("stake.toml", &optional);
    application
        .sql(&format!(
            "INSERT INTO stakes VALUES ('lost', '{alice}', 'yes', 0.0000005, 1, now() - interval '1 day');
             UPDATE stakes SET ownership = 50 WHERE wallet = '{bob}'"
        ))
        .await;
    application.chain.faults(&serde_json::json!({ "maxKeys": 2 })).await;
    let repaired = application.configured("[worker]\nlook_again_after_ms = 10\n", &["run", "--mode", "repair", "--json"]).await.expect(4);
    assert_eq!(repaired.drifts(), [format!(r#"stake ["rain", "{bob}"] stale_value ownership: 50 → 100"#)]);
    assert_eq!(repaired.json()["kinds"]["stake"]["not_judged"], serde_json::json!({ "unknown:inconsistent": 1 }));
    assert_eq!(application.value("SELECT ownership FROM stakes WHERE market = 'lost'").await, "1.0000");
}
