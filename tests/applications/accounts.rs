//! Addresses of every sort, as keys and as values; balances of the asset contract.

use crate::applications::support::snapshot::muxed;
use crate::applications::support::values::{address, i128, structure, variant};
use crate::applications::support::{Application, Snapshot, account, contract};
use stellar_xdr::ScVal;

const TREASURY: &str = r#"
kind  = "treasury"
table = "treasury_balances"
key   = "account"
where = "account like 'C%'"

[chain]
source   = "soroban"
contract = "CONTRACT"
entry    = [{ symbol = "Balance" }, { address = "account" }]

[values]
amount     = { path = "amount",     type = "numeric", decimals = 7 }
authorized = { path = "authorized", type = "bool" }

[[field]]
column = "usdc"
value  = "amount"

[[condition]]
name     = "authorized to hold the asset"
holds    = "chain.authorized"
priority = "critical"

[repair]
stale_value = "update"
"#;

#[tokio::test]
async fn balances_of_the_asset_contract() {
    let usdc = contract(6);
    let balance = |amount, authorized| {
        structure([("amount", i128(amount)), ("authorized", ScVal::Bool(authorized)), ("clawback", ScVal::Bool(false))])
    };
    let chain = Snapshot::default()
        .instance(&usdc)
        .entry(&usdc, variant("Balance", [address(&contract(1))]), balance(1_234_500_000, true))
        .entry(&usdc, variant("Balance", [address(&contract(2))]), balance(i128::from(u64::MAX) + 1, false));
    let tables = "CREATE TABLE treasury_balances (account text PRIMARY KEY, usdc numeric(38,7) NOT NULL)";
    let treasury = Application::new(tables, &chain, &TREASURY.replace("CONTRACT", &usdc)).await;
    let (one, two, classic) = (contract(1), contract(2), account(1));
    treasury.sql(&format!("INSERT INTO treasury_balances VALUES ('{one}', 123.45), ('{two}', 0), ('{classic}', 9)")).await;
    let found = treasury.detect().await.expect(3).drifts();
    let condition = found.iter().find(|drift| drift.contains("authorized to hold the asset")).expect("the condition").clone();
    treasury.mends_but(&[&condition, &format!("treasury {two} stale_value usdc: 0 → 1844674407370.9551616")], &[&condition]).await;
    assert_eq!(treasury.detect().await.verdict("treasury", "in_sync"), 1, "the classic account is exempt");
}

const MEMBERS: &str = r#"
kind  = "member"
table = "members"
key   = "wallet"

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = { address = "wallet" }
enumerate = { list = { entry = { symbol = "members" }, path = "all" } }

[values]
pays_to = { path = "pays_to", type = "text" }
votes   = { path = "votes[address:ACCOUNT]", type = "numeric", optional = true }

[[field]]
column = "pays_to"
value  = "pays_to"

[[field]]
column = "votes"
value  = "votes"

[repair]
stale_value = "update"
missing_row = "insert"
"#;

#[tokio::test]
async fn addresses_as_keys_as_values_and_as_keys_of_maps() {
    use crate::applications::support::values::{map, symbol, vec};
    let club = contract(7);
    let member = |pays_to: &str, votes: Option<u32>| {
        let votes = votes.map(|votes| (address(&account(9)), ScVal::U32(votes)));
        structure([("pays_to", address(pays_to)), ("votes", map(votes))])
    };
    let sub_account = muxed(3, 1_234_567_890_123);
    let chain = Snapshot::default()
        .instance(&club)
        .entry(&club, symbol("members"), structure([("all", vec([account(1), contract(2), account(3)].map(|each| address(&each))))]))
        .entry(&club, address(&account(1)), member(&sub_account, Some(3)))
        .entry(&club, address(&contract(2)), member(&contract(2), None))
        .entry(&club, address(&account(3)), member(&account(4), Some(0)));
    let tables = "CREATE TABLE members (wallet char(56) PRIMARY KEY, pays_to text, votes integer)";
    let spec = MEMBERS.replace("CONTRACT", &club).replace("ACCOUNT", &account(9));
    let application = Application::new(tables, &chain, &spec).await;
    let (one, two, three) = (account(1), contract(2), account(3));
    application.sql(&format!("INSERT INTO members VALUES ('{one}', '{one}', 3), ('{two}', '{two}', 7)")).await;
    application
        .mends(&[
            &format!("member {two} stale_value votes: 7 → ∅"),
            &format!("member {one} stale_value pays_to: {one} → {sub_account}"),
            &format!("member {three} missing_row: ∅ → {three}"),
        ])
        .await;
    let inserted = application.value(&format!("SELECT concat_ws(' ', pays_to, votes) FROM members WHERE wallet = '{three}'")).await;
    assert_eq!(inserted, format!("{} 0", account(4)));
}
