//! Escrows: every row names its own contract, which keeps its state in its instance.

use crate::applications::support::values::{address, i128, map, structure, symbol, variant};
use crate::applications::support::{Application, Snapshot, account, contract};
use stellar_xdr::ScVal;

const TABLES: &str = "CREATE TABLE escrows (
    id bigserial PRIMARY KEY,
    contract_address text UNIQUE,
    buyer text,
    amount numeric(30,7),
    released boolean NOT NULL DEFAULT false
)";

const SPEC: &str = r#"
kind  = "escrow"
table = "escrows"
key   = "contract_address"

[chain]
source    = "soroban"
contract  = { column = "contract_address" }
entry     = "instance"

[values]
buyer    = { path = "BUYER",          type = "text" }
amount   = { path = "State.amount",   type = "numeric", decimals = 7 }
released = { path = "State.released", type = "bool", optional = true }

[[field]]
column = "buyer"
value  = "buyer"

[[field]]
column    = "amount"
value     = "amount"
tolerance = "0.0000001"

[[field]]
column = "released"
value  = "coalesce(chain.released, false)"
type   = "bool"

[repair]
stale_value = "update"
"#;

fn storage(amount: i128) -> ScVal {
    map([(symbol("BUYER"), address(&account(1))), (variant("State", []), structure([("amount", i128(amount))]))])
}

#[tokio::test]
async fn each_row_has_its_own_contract() {
    let chain = Snapshot::default()
        .instance_storage(&contract(1), storage(15_000_000))
        .instance_storage(&contract(2), storage(20_000_000))
        .instance_storage(&contract(3), storage(30_000_000));
    let escrows = Application::new(TABLES, &chain, SPEC).await;
    for (number, amount) in [(1, "1.5"), (2, "2.0000001"), (3, "2.9")] {
        let (contract, buyer) = (contract(number), account(1));
        escrows.sql(&format!("INSERT INTO escrows (contract_address, buyer, amount) VALUES ('{contract}', '{buyer}', {amount})")).await;
    }
    escrows.sql("INSERT INTO escrows (contract_address) VALUES (NULL)").await;
    escrows.sql("UPDATE escrows SET released = true, buyer = 'somebody' WHERE id = 2").await;
    escrows
        .mends(&[
            &format!("escrow 2 stale_value buyer: somebody → {}", account(1)),
            "escrow 2 stale_value released: true → false",
            "escrow 3 stale_value amount: 2.9 → 3",
        ])
        .await;
    let report = escrows.detect().await;
    assert_eq!(report.json()["kinds"]["escrow"]["not_judged"], serde_json::json!({ "skipped:no_key": 1 }));
}

#[tokio::test]
async fn an_address_that_is_no_contract_fails_alone_and_one_that_does_not_exist_is_unknown() {
    let chain = Snapshot::default().instance_storage(&contract(1), storage(15_000_000));
    let escrows = Application::new(TABLES, &chain, SPEC).await;
    let rows = [contract(1), contract(9), account(5), "nonsense".to_owned()];
    for address in &rows {
        escrows.sql(&format!("INSERT INTO escrows (contract_address, buyer, amount) VALUES ('{address}', 'x', 1.5)")).await;
    }
    let repaired = escrows.repair().await;
    assert_eq!(repaired.drifts(), [format!("escrow 1 stale_value buyer: x → {}", account(1))]);
    assert_eq!((repaired.verdict("escrow", "unknown"), repaired.verdict("escrow", "failed")), (1, 2));
    repaired.expect(4);
    assert_eq!(escrows.value("SELECT count(*) FROM escrows WHERE buyer = 'x'").await, "3", "what is unknown stays as it is");
}
