//! `source = "view"`.

use stellar_xdr::{Limits, ReadXdr, ScVal};
use trueup::Mode;
use trueup_devnet::{Devnet, scval};

use crate::sources::{addressed, check, deployment, not_judged};
use crate::support::Deployment;

/// Base units in one unit.
const UNIT: i128 = 10_000_000;

const TABLES: &str = "CREATE TABLE books (loan bigint PRIMARY KEY, contract text, state text, owed numeric, first_due boolean)";

const SPEC: &str = r#"
kind  = "book"
table = "books"
key   = ["loan", "contract"]

[chain]
source    = "view"
contract  = { column = "contract" }
function  = "loan"
arguments = [{ u64 = "loan" }]

[values]
state = { path = "status",            type = "text" }
owed  = { path = "remaining_balance", type = "numeric", decimals = 7 }

[[field]]
column = "state"
value  = "state"
class  = "stale_status"

[[field]]
column = "owed"
value  = "owed"

[repair]
stale_status = "update"
stale_value  = "update"
"#;

fn lend(chain: &Devnet, lending: &str, units: i128) {
    let borrower = chain.account(1).expect("funded");
    let args = vec![scval::address(&borrower.address()).expect("an address"), scval::i128(units * UNIT), ScVal::U32(1)];
    chain.invoke(&borrower, lending, "create", args).expect("a loan");
}

/// Three loans with their rows, and a row for which the view fails.
async fn books() -> Deployment {
    let deployment = deployment(TABLES, SPEC).await;
    (1..=3).for_each(|loan| lend(&deployment.devnet, &deployment.contracts.lending, loan));
    deployment
        .sql(&addressed(
            &deployment,
            "INSERT INTO books SELECT n, 'LENDING', 'Pending', n FROM generate_series(1, 3) AS n;
             INSERT INTO books VALUES (404, 'LENDING', 'Pending', 1)",
        ))
        .await;
    deployment
}

#[tokio::test]
async fn what_a_view_returns_is_compared_repaired_and_audited() {
    let deployment = books().await;
    deployment.sql("UPDATE books SET state = 'Paid', owed = 0.5 WHERE loan = 2").await;
    let before = deployment.devnet.latest();
    deployment.devnet.reset_calls();
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.drifts.len(), 2, "{:?}", repaired.found());
    assert_eq!(not_judged(&repaired, "book"), ["unknown:view_failed 1"], "the loan that is not there");
    let row: String = deployment.value("SELECT concat_ws(' ', state, trim_scale(owed)) FROM books WHERE loan = 2").await;
    assert_eq!(row, "Pending 2");
    let audited: String = deployment.value("SELECT chain_entry FROM trueup.repairs").await;
    let ScVal::Map(Some(loan)) = ScVal::from_xdr_base64(&audited, Limits::none()).expect("what was returned") else { panic!("no loan") };
    assert!(loan.iter().any(|entry| entry.val == scval::i128(2 * UNIT)));
    assert_eq!(deployment.run(Mode::Repair).await.found(), Vec::<String>::new());

    let calls: Vec<String> = deployment.devnet.calls().into_keys().collect();
    assert_eq!(calls, ["getLedgerEntries", "getNetwork", "simulateTransaction"], "nothing but reads");
    assert_eq!(deployment.devnet.latest(), before, "no view became a transaction");
}

#[tokio::test]
async fn a_function_that_changes_state_is_refused_by_the_check_and_never_drift() {
    let spec = SPEC
        .replace(r#"function  = "loan""#, r#"function  = "create""#)
        .replace(r#"[{ u64 = "loan" }]"#, r#"[{ address = "contract" }, { i128 = 10 }, { u32 = "loan" }]"#)
        .replace(r#"path = "status",  "#, r#"path = "",  "#)
        .replace(r#"path = "remaining_balance", "#, r#"path = "", "#);
    let deployment = deployment(TABLES, &spec).await;
    deployment.sql(&addressed(&deployment, "INSERT INTO books VALUES (1, 'LENDING', 'Pending', 5)")).await;
    let checked = check(&deployment).await;
    checked.expect_code(1);
    assert!(checked.stdout.contains("the function `create` changes state"), "{}", checked.stdout);
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!((repaired.found(), not_judged(&repaired, "book")), (Vec::new(), vec!["unknown:not_a_view 1".to_owned()]));
    assert_eq!(deployment.value::<String>("SELECT trim_scale(owed)::text FROM books").await, "5");
}

#[tokio::test]
async fn a_view_over_an_archived_entry_and_one_of_no_contract_are_unknown() {
    let deployment = books().await;
    deployment.sql("DELETE FROM books WHERE loan = 404; UPDATE books SET state = 'wrong'").await;
    let nowhere = stellar_xdr::ScAddress::Contract(stellar_xdr::ContractId(stellar_xdr::Hash([3; 32]))).to_string();
    deployment
        .sql(&format!("UPDATE books SET contract = '{nowhere}' WHERE loan = 1; UPDATE books SET contract = NULL WHERE loan = 3"))
        .await;
    let key = scval::vec(vec![scval::symbol("Loan").expect("a symbol"), ScVal::U32(2), ScVal::U64(2)]).expect("a key");
    assert!(deployment.devnet.archive(&scval::data_key(&deployment.contracts.lending, key).expect("a key")));
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(repaired.found(), Vec::<String>::new());
    assert_eq!(not_judged(&repaired, "book"), ["skipped:no_key 1", "unknown:archived 1", "unknown:no_instance 1"]);
}

#[tokio::test]
async fn a_view_that_returns_another_shape_is_shown_by_the_check_and_never_drift() {
    let deployment = books().await;
    let file = deployment.specs.path().join("loan.toml");
    let spec = std::fs::read_to_string(&file).expect("the spec");
    std::fs::write(&file, spec.replace("remaining_balance", "remaining")).expect("the spec");
    let checked = check(&deployment).await;
    checked.expect_code(1);
    assert!(checked.stdout.contains("what `loan` returns for the sampled row does not have the shape"), "{}", checked.stdout);
    let repaired = deployment.run(Mode::Repair).await;
    assert_eq!(
        (repaired.found(), not_judged(&repaired, "book")),
        (Vec::new(), vec!["unknown:undecodable 3".into(), "unknown:view_failed 1".into()])
    );
}

const POSITIONS: &str = r#"
kind  = "position"
table = "positions"
key   = "wallet"

[chain]
source    = "view"
contract  = "POOL"
function  = "position"
arguments = [{ address = "wallet" }]

[values]
shares = { path = "shares", type = "numeric", decimals = 7, optional = true }

[[field]]
column = "shares"
value  = "shares"

[repair]
stale_value = "update"
"#;

#[tokio::test]
async fn a_view_that_returns_nothing_gives_null_where_the_value_is_optional() {
    let deployment = deployment("CREATE TABLE positions (wallet text PRIMARY KEY, shares numeric)", POSITIONS).await;
    let [one, two] = [1, 2].map(|index| deployment.devnet.account(index).expect("funded"));
    let args = vec![scval::address(&one.address()).expect("an address"), scval::i128(3 * UNIT)];
    deployment.devnet.invoke(&one, &deployment.contracts.pool, "deposit", args).expect("deposited");
    deployment.sql(&format!("INSERT INTO positions VALUES ('{}', 1), ('{}', 4)", one.address(), two.address())).await;
    assert_eq!(deployment.run(Mode::Repair).await.drifts.len(), 2);
    let shares: String =
        deployment.value("SELECT string_agg(coalesce(trim_scale(shares)::text, '∅'), ' ' ORDER BY shares NULLS LAST) FROM positions").await;
    assert_eq!(shares, "3 ∅");
    assert!(check(&deployment).await.expect_code(0).stdout.contains("shares"));
}

#[tokio::test]
async fn an_endpoint_that_fails_makes_failed_entities_and_touches_no_row() {
    let deployment = books().await;
    deployment.sql("UPDATE books SET owed = 77").await;
    let trueup = deployment.trueup().await;
    deployment.devnet.faults().update(|faults| faults.fail_percent = 100);
    let run = trueup_workers::start_run(trueup.context(), crate::support::new_run(Mode::Repair)).await.expect("a run");
    let finished = deployment.finish(&trueup, run).await;
    assert_eq!((finished.found(), not_judged(&finished, "book")), (Vec::new(), vec!["failed 4".to_owned()]));
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM books WHERE owed = 77").await, 4);
}
