//! The application that all the bad input is given to: a table of accounts, two of which are on chain.

use crate::applications::support::values::{i128, structure, symbol, variant};
use crate::applications::support::{Application, Snapshot, contract};
use stellar_xdr::ScVal;

pub const TABLES: &str = "
CREATE TYPE account_state AS ENUM ('open', 'closed');
CREATE TABLE accounts (
    id bigserial PRIMARY KEY,
    number text UNIQUE,
    state account_state NOT NULL DEFAULT 'open',
    balance numeric(20,7) NOT NULL DEFAULT 0,
    frozen boolean
)";

pub const SPEC: &str = r#"kind  = "account"
table = "accounts"
key   = "number"

[chain]
source   = "soroban"
contract = "CONTRACT"
entry    = [{ symbol = "Account" }, { u64 = "number" }]

[values]
state   = { path = "state", type = "text" }
balance = { path = "balance", type = "numeric", decimals = 7 }

[[field]]
column = "state"
value  = "state"
map    = { Open = "open", Closed = "closed" }
class  = "stale_status"

[[field]]
column = "balance"
value  = "balance"

[repair]
stale_status = "update"
stale_value  = "update"
"#;

/// The spec, as it should be.
pub fn spec() -> String {
    SPEC.replace("CONTRACT", &contract(1))
}

/// The spec with one thing changed.
#[track_caller]
pub fn spec_with(right: &str, wrong: &str) -> String {
    assert!(SPEC.contains(right), "{right}");
    SPEC.replace(right, wrong).replace("CONTRACT", &contract(1))
}

/// An account on chain, of that balance in units.
pub fn account(number: u64, units: i128) -> (ScVal, ScVal) {
    let state = if units == 0 { "Closed" } else { "Open" };
    (variant("Account", [ScVal::U64(number)]), structure([("state", variant(state, [])), ("balance", i128(units * 10_000_000))]))
}

/// Its chain, with accounts 1 and 2 of 10 and 20 units.
pub fn chain() -> Snapshot {
    [account(1, 10), account(2, 20)]
        .into_iter()
        .fold(Snapshot::default().instance(&contract(1)), |chain, (key, value)| chain.entry(&contract(1), key, value))
}

/// The bank, with rows for both accounts, each with a wrong balance.
pub async fn bank(spec: &str) -> Application {
    let bank = Application::new(TABLES, &chain(), spec).await;
    bank.sql("INSERT INTO accounts (number, balance) VALUES ('1', 11), ('2', 22)").await;
    bank
}

/// Asserts that nothing was begun: no run, no repair, and the rows as they were.
pub async fn assert_untouched(bank: &Application) {
    let left = "SELECT concat_ws(' ', (SELECT count(*) FROM trueup.runs), (SELECT count(*) FROM trueup.repairs), (SELECT sum(balance) FROM accounts))";
    assert_eq!(bank.value(left).await, "0 0 33.0000000");
}

/// A value that no reader expects.
pub fn odd() -> ScVal {
    symbol("odd")
}
