//! Rows that are elements: installments in a loan's schedule, balances in a map.

use crate::applications::support::values::{address, i128, map, structure, symbol, variant, vec};
use crate::applications::support::{Application, Snapshot, account, contract};
use serde_json::{Value, json};
use stellar_xdr::ScVal;

const INSTALLMENTS: &str = "CREATE TABLE installments (
    loan_id bigint NOT NULL,
    position int NOT NULL,
    amount numeric NOT NULL,
    paid boolean NOT NULL DEFAULT false,
    PRIMARY KEY (position, loan_id)
)";

const INSTALLMENT: &str = r#"
kind  = "installment"
table = "installments"
key   = ["position", "loan_id"]

[chain]
source    = "soroban"
contract  = "CONTRACT"
entry     = [{ symbol = "Loan" }, { u64 = "loan_id" }]
element   = { of = "schedule", index = "position", first = 1 }
enumerate = { counter = { instance = "LOANCNT", first = 1, holds = "last" } }

[values]
amount = { path = "amount", type = "numeric", decimals = 7 }
paid   = { path = "paid",   type = "bool" }

[[field]]
column = "amount"
value  = "amount"

[[field]]
column = "paid"
value  = "paid"

[repair]
stale_value = "update"
missing_row = "insert"
"#;

fn loan(id: u64) -> ScVal {
    variant("Loan", [ScVal::U64(id)])
}

/// A loan whose installments are these amounts, the first of them paid.
fn schedule(amounts: &[i128]) -> ScVal {
    let installments =
        amounts.iter().enumerate().map(|(index, amount)| structure([("amount", i128(*amount)), ("paid", ScVal::Bool(index == 0))]));
    structure([("schedule", vec(installments)), ("total", i128(amounts.iter().sum()))])
}

fn loans(count: u64) -> Snapshot {
    Snapshot::default().instance_storage(&contract(3), structure([("LOANCNT", ScVal::U64(count))]))
}

#[tokio::test]
async fn each_installment_of_a_schedule_is_a_row() {
    let lending = contract(3);
    let chain = loans(4)
        .entry(&lending, loan(1), schedule(&[10_000_000, 20_000_000]))
        .entry(&lending, loan(2), schedule(&[30_000_000]))
        .entry(&lending, loan(3), schedule(&[]));
    let application = Application::new(INSTALLMENTS, &chain, &INSTALLMENT.replace("CONTRACT", &lending)).await;
    application
        .sql("INSERT INTO installments (loan_id, position, amount, paid) VALUES (1, 1, 1, true), (1, 2, 2, true), (1, 3, 9, false), (4, 1, 5, false)")
        .await;
    let gone = [
        r#"installment ["1", "4"] missing_on_chain: 1, 4 → ∅ (needs_person)"#,
        r#"installment ["3", "1"] missing_on_chain: 3, 1 → ∅ (needs_person)"#,
    ];
    let found = [
        r#"installment ["1", "2"] missing_row: ∅ → ["1", "2"]"#,
        gone[0],
        r#"installment ["2", "1"] stale_value paid: true → false"#,
        gone[1],
    ];
    application.mends_but(&found, &gone).await;
    let rows = "SELECT string_agg(loan_id || '/' || position || ' ' || amount::float8 || ' ' || paid, ', ' ORDER BY loan_id, position) FROM installments";
    assert_eq!(application.value(rows).await, "1/1 1 true, 1/2 2 false, 1/3 9 false, 2/1 3 true, 4/1 5 false");
}

#[tokio::test]
async fn rows_missing_below_an_entry_of_another_shape_are_not_looked_for_and_the_report_says_so() {
    let lending = contract(3);
    let odd = structure([("schedule", ScVal::U32(1))]);
    let chain = loans(3).entry(&lending, loan(1), odd).entry(&lending, loan(2), schedule(&[1])).entry(&lending, loan(3), ScVal::Void);
    let application = Application::new(INSTALLMENTS, &chain, &INSTALLMENT.replace("CONTRACT", &lending)).await;
    application.sql("INSERT INTO installments VALUES (1, 1, 7)").await;
    let detected = application.detect().await;
    assert_eq!(detected.drifts(), [r#"installment ["1", "2"] missing_row: ∅ → ["1", "2"]"#]);
    let report = detected.json();
    assert_eq!(report["kinds"]["installment"]["not_judged"], json!({ "unknown:undecodable": 1 }));
    let note = report["notes"][0].as_str().expect("a note");
    assert_eq!(
        note,
        "installment: rows that are missing below 2 of the entries were not looked for; the first of these: 1: there is a chain u32 at `schedule`, and the rows are elements of a list"
    );
}

/// Parents are read in full calls, and the elements of many become jobs chunk by chunk.
#[tokio::test]
async fn a_thousand_schedules_take_few_calls_and_small_chunks() {
    let lending = contract(3);
    let chain = (1..=1_000).fold(loans(1_000), |chain, id| chain.entry(&lending, loan(id), schedule(&[1, 2, 3])));
    let application = Application::new(INSTALLMENTS, &chain, &INSTALLMENT.replace("CONTRACT", &lending)).await;
    application.sql("INSERT INTO installments SELECT l, p, p / 10000000::numeric, p = 1 FROM generate_series(1, 1000) AS l, generate_series(1, 3) AS p WHERE (l, p) NOT IN ((500, 2), (1000, 3))").await;
    let detected = application.configured("[worker]\njobs_per_chunk = 700\n", &["run", "--json"]).await.expect(3);
    assert_eq!(
        detected.drifts(),
        [r#"installment ["2", "500"] missing_row: ∅ → ["2", "500"]"#, r#"installment ["3", "1000"] missing_row: ∅ → ["3", "1000"]"#]
    );
    assert_eq!(detected.json()["kinds"]["installment"]["entities"], 3_000);
    let calls = detected.json()["usage"]["getLedgerEntries"].as_u64().expect("a count");
    // Full ones for the parents, and for the rows, whose order has each loan three times.
    assert!(calls <= 1_000_u64.div_ceil(199) * 4 + 6, "{calls} calls");
}

const BALANCES: &str = "CREATE TABLE balances (wallet text PRIMARY KEY, amount numeric NOT NULL)";

const BALANCE: &str = r#"
kind  = "balance"
table = "balances"
key   = "wallet"

[chain]
source    = "soroban"
contract  = "CONTRACT"
ENTRY
enumerate = "elements"

[values]
amount = { path = "", type = "numeric" }

[[field]]
column = "amount"
value  = "amount"

[repair]
stale_value = "update"
missing_row = "insert"
"#;

async fn balances(entry: &str, chain: &Snapshot) -> (Application, [String; 3]) {
    let wallets = [account(1), account(2), account(3)];
    let application = Application::new(BALANCES, chain, &BALANCE.replace("CONTRACT", &contract(4)).replace("ENTRY", entry)).await;
    let [alice, bob, carol] = &wallets;
    application.sql(&format!("INSERT INTO balances VALUES ('{alice}', 5), ('{bob}', 7), ('{carol}', 1)")).await;
    (application, wallets)
}

/// Alice has 5, Bob 8, Carol nothing, and whoever is number 4 has 2.
async fn finds_each_balance(application: &Application, [_, bob, carol]: &[String; 3]) {
    let gone = format!("balance {carol} missing_on_chain: {carol} → ∅ (needs_person)");
    let mut found =
        [format!("balance {0} missing_row: ∅ → {0}", account(4)), format!("balance {bob} stale_value amount: 7 → 8"), gone.clone()];
    found.sort();
    application.mends_but(&found.each_ref().map(String::as_str), &[&gone]).await;
}

#[tokio::test]
async fn each_balance_of_a_map_is_a_row() {
    let held = map([(address(&account(1)), i128(5)), (address(&account(2)), i128(8)), (address(&account(4)), i128(2))]);
    let chain = Snapshot::default().instance(&contract(4)).entry(&contract(4), vec([symbol("Balances")]), structure([("held", held)]));
    let entry = r#"entry = [{ symbol = "Balances" }]
element = { of = "held", key = { address = "wallet" } }"#;
    let (application, wallets) = balances(entry, &chain).await;
    finds_each_balance(&application, &wallets).await;
}

#[tokio::test]
async fn each_balance_in_the_instance_storage_is_a_row() {
    let balance = |account: &str| variant("Balance", [address(account)]);
    let storage = map([
        (symbol("ADMIN"), address(&account(9))),
        (balance(&account(1)), i128(5)),
        (balance(&account(2)), i128(8)),
        (balance(&account(4)), i128(2)),
        (variant("Frozen", [address(&account(3))]), i128(1)),
    ]);
    let chain = Snapshot::default().instance_storage(&contract(4), storage);
    let entry = r#"entry = "instance"
element = { of = "", key = [{ symbol = "Balance" }, { address = "wallet" }] }"#;
    let (application, wallets) = balances(entry, &chain).await;
    finds_each_balance(&application, &wallets).await;
}

const POOLS: &str = "CREATE TABLE pools (address text PRIMARY KEY);
CREATE TABLE members (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, pool text, wallet text, shares numeric NOT NULL, UNIQUE (pool, wallet))";

/// A row for each contract and wallet: in an entry of its own, or in a map of the contract's instance.
const MEMBER: &str = r#"
kind  = "member"
table = "members"
key   = ["pool", "wallet"]

[chain]
source    = "soroban"
contract  = { column = "pool" }
ENTRY

[values]
shares = { path = "", type = "numeric" }

[[field]]
column = "shares"
value  = "shares"

[repair]
stale_value = "update"
missing_row = "insert"
"#;

async fn finds_members(chain: &Snapshot, entry: &str, skipped: &Value) {
    let application = Application::new(POOLS, chain, &MEMBER.replace("ENTRY", entry)).await;
    let (first, second, alice, bob) = (contract(5), contract(6), account(1), account(2));
    application
        .sql(&format!(
            "INSERT INTO pools VALUES ('{first}'), ('{second}');
             INSERT INTO members (pool, wallet, shares) VALUES ('{first}', '{alice}', 1), ('{second}', '{alice}', 3),
                (NULL, '{alice}', 1), ('{first}', NULL, 1)"
        ))
        .await;
    let missing = format!(r#"member ["{first}", "{bob}"] missing_row: ∅ → ["{first}", "{bob}"]"#);
    application.mends(&["member 2 stale_value shares: 3 → 2", &missing]).await;
    let detected = application.detect().await.expect(0);
    assert_eq!(detected.json()["kinds"]["member"]["not_judged"], *skipped);
    assert_eq!(application.value(&format!("SELECT shares FROM members WHERE wallet = '{bob}'")).await, "4");
}

#[tokio::test]
async fn each_pair_of_contract_and_wallet_is_a_row() {
    let (first, second, alice, bob) = (contract(5), contract(6), account(1), account(2));
    let shares = |wallet: &str| variant("Shares", [address(wallet)]);
    let chain = Snapshot::default()
        .instance(&first)
        .instance(&second)
        .entry(&first, shares(&alice), i128(1))
        .entry(&first, shares(&bob), i128(4))
        .entry(&second, shares(&alice), i128(2));
    let entry = r#"entry = [{ symbol = "Shares" }, { address = "wallet" }]
enumerate = { sql = "select p.address, w.wallet from pools as p, (select distinct wallet from members union select 'BOB') as w" }"#;
    finds_members(&chain, &entry.replace("BOB", &bob), &json!({ "skipped:no_key": 2, "skipped:not_on_chain": 1 })).await;
}

#[tokio::test]
async fn each_pair_of_contract_and_wallet_in_a_map_of_the_instance_is_a_row() {
    let (first, second, alice, bob) = (contract(5), contract(6), account(1), account(2));
    let storage = |held: ScVal| structure([("SHARES", held)]);
    let chain = Snapshot::default()
        .instance_storage(&first, storage(map([(address(&alice), i128(1)), (address(&bob), i128(4))])))
        .instance_storage(&second, storage(map([(address(&alice), i128(2))])));
    let entry = r#"entry = "instance"
element = { of = "SHARES", key = { address = "wallet" } }
enumerate = { sql = "select address from pools" }"#;
    finds_members(&chain, entry, &json!({ "skipped:no_key": 2 })).await;
}
