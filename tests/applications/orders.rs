//! A shop: uuid keys that are bytes on chain, an enum column, optional text, a list that tells which orders exist.

use crate::applications::support::values::{address, bytes, string, structure, variant, vec};
use crate::applications::support::{Application, Snapshot, account, contract};
use stellar_xdr::ScVal;

const TABLES: &str = "
CREATE TYPE order_state AS ENUM ('open', 'shipped', 'done');
CREATE TABLE orders (
    id uuid PRIMARY KEY,
    buyer_address varchar(56) NOT NULL,
    state order_state NOT NULL DEFAULT 'open',
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
)";

const SPEC: &str = r#"
kind  = "order"
table = "orders"
key   = "id"
where = "deleted_at is null"

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = [{ symbol = "Order" }, { bytes = "uuid_send(id)" }]
enumerate = { list = { entry = [{ symbol = "Orders" }] } }

[values]
buyer = { path = "buyer", type = "text" }
state = { path = "state", type = "text" }
note  = { path = "note",  type = "text" }

[[field]]
column = "buyer_address"
value  = "buyer"

[[field]]
column = "state"
value  = "state"
map    = { Open = "open", Shipped = "shipped", Done = "done", Lost = "lost" }
class  = "stale_status"

[[field]]
column = "note"
value  = "note"

[repair]
stale_status = "update"
stale_value  = "update"
missing_row  = "insert"
"#;

fn id(number: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{number:02x}")
}

fn key(number: u8) -> ScVal {
    let mut key = [0, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
    key[15] = number;
    bytes(&key)
}

fn order(state: &str, note: Option<&str>) -> ScVal {
    let note = note.map_or(ScVal::Void, string);
    structure([("buyer", address(&account(1))), ("state", variant(state, [])), ("note", note)])
}

async fn shop(orders: &[(u8, &str, Option<&str>)]) -> Application {
    let shop = contract(1);
    let mut chain =
        Snapshot::default().instance(&shop).entry(&shop, variant("Orders", []), vec(orders.iter().map(|(number, ..)| key(*number))));
    for (number, state, note) in orders {
        chain = chain.entry(&shop, variant("Order", [key(*number)]), order(state, *note));
    }
    Application::new(TABLES, &chain, &SPEC.replace("CONTRACT", &shop)).await
}

fn row(number: u8, state: &str, note: &str) -> String {
    format!("INSERT INTO orders (id, buyer_address, state, note) VALUES ('{}', '{}', '{state}', {note});", id(number), account(1))
}

#[tokio::test]
async fn uuid_keys_options_and_a_list_of_what_exists() {
    let shop = shop(&[(1, "Open", None), (2, "Shipped", Some("at the door")), (3, "Done", None), (4, "Open", Some("it's 🦀"))]).await;
    shop.sql(&row(1, "open", "NULL")).await;
    shop.sql(&row(2, "open", "'behind the house'")).await;
    shop.sql(&row(3, "done", "'what the chain does not have'")).await;
    shop.mends(&[
        &format!("order {} stale_status state: open → shipped", id(2)),
        &format!("order {} stale_value note: behind the house → at the door", id(2)),
        &format!("order {} stale_value note: what the chain does not have → ∅", id(3)),
        &format!("order {} missing_row: ∅ → {}", id(4), id(4)),
    ])
    .await;
    assert_eq!(shop.value(&format!("SELECT concat_ws(' ', state, note) FROM orders WHERE id = '{}'", id(4))).await, "open it's 🦀");
}

#[tokio::test]
async fn a_label_that_the_enum_type_lacks_is_a_drift_whose_repair_is_refused_and_spoils_no_neighbour() {
    let shop = shop(&[(1, "Lost", None), (2, "Shipped", None), (3, "Stolen", None)]).await;
    shop.sql(&[row(1, "open", "NULL"), row(2, "open", "NULL"), row(3, "open", "NULL")].concat()).await;
    let lost = format!("order {} stale_status state: open → lost", id(1));
    let stolen = format!("order {} stale_status state: open → Stolen (unmapped)", id(3));
    shop.mends_but(&[&lost, &format!("order {} stale_status state: open → shipped", id(2)), &stolen], &[&lost, &stolen]).await;
    let report = shop.trueup(&["report", "2", "--json"]).await.json();
    assert_eq!(report["kinds"]["order"]["repairs"], serde_json::json!({ "repaired": 1, "refused": 1 }));
    let refused = report["drifts"].as_array().expect("drifts").iter().find(|drift| drift["repair"] == "refused").expect("the lost one");
    assert!(refused["detail"].as_str().expect("why").contains("order_state"), "{refused}");
}

#[tokio::test]
async fn a_row_that_only_the_table_has_and_one_that_is_exempt() {
    let shop = shop(&[(1, "Open", None), (2, "Open", None)]).await;
    shop.sql(&[row(1, "open", "NULL"), row(2, "done", "NULL"), row(9, "open", "NULL")].concat()).await;
    shop.sql(&format!("UPDATE orders SET deleted_at = now() WHERE id = '{}'", id(2))).await;
    let only_here = format!("order {} missing_on_chain: {} → ∅ (needs_person)", id(9), id(9));
    shop.mends_but(&[&only_here], &[&only_here]).await;
}
