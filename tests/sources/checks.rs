//! `trueup check`: what it shows of each kind, and what it says where there is nothing to show.

use serde_json::{Value, json};
use stellar_xdr::ScVal;
use trueup_devnet::{BuildOptions, Call, scval};

use crate::program::Program;
use crate::sources::{addressed, check};
use crate::support::{Deployment, SPEC};

/// Base units in one unit.
const UNIT: i64 = 10_000_000;
/// The kind of the deployment itself, a row of whose is a loan.
const BOOK: &str = "loan";

const WALLET: &str = r#"
source = "asset_balance"
asset  = "USDC:ISSUER"
holder = "k"

[[field]]
column = "v"
value  = "balance"
"#;

const ACCOUNT: &str = r#"
source  = "account"
account = "k"

[[field]]
column = "v"
value  = "subentries"
"#;

const PAYMENT: &str = r#"
source = "transaction"
hash   = "k"
state  = "state"
states = { pending = "pending", succeeded = "success", failed = "failed" }
"#;

const ENTRY: &str = r#"
source   = "soroban"
contract = "LENDING"
entry    = [{ symbol = "Loan" }, { u32 = "k::bigint % 32" }, { u64 = "k" }]

[values]
owed = { path = "remaining_balance", type = "numeric", decimals = 7 }

[[field]]
column = "v"
value  = "owed"
"#;

const VIEW: &str = r#"
source    = "view"
contract  = "LENDING"
function  = "loan"
arguments = [{ u64 = "k" }]

[values]
owed = { path = "remaining_balance", type = "numeric", decimals = 7 }

[[field]]
column = "v"
value  = "owed"
"#;

/// Three loans, which are a kind, and beside it those kinds, each with a table of its name.
async fn deployment(kinds: &[(&str, &str)]) -> Deployment {
    let deployment = Deployment::with_spec(3, SPEC).await;
    for (kind, chain) in kinds {
        deployment.sql(&format!("CREATE TABLE {kind} (k text PRIMARY KEY, v numeric, state text)")).await;
        let spec = format!("kind = \"{kind}\"\ntable = \"{kind}\"\nkey = \"k\"\n\n[chain]{}", addressed(&deployment, chain));
        std::fs::write(deployment.specs.path().join(format!("{kind}.toml")), spec).expect("the spec");
    }
    deployment
}

async fn insert(deployment: &Deployment, kind: &str, key: &str, value: u32) {
    deployment.sql(&format!("INSERT INTO {kind} VALUES ('{key}', {value}, 'pending')")).await;
}

/// The hash of a transaction that was signed, and never sent.
fn never_sent(deployment: &Deployment) -> String {
    let source = deployment.devnet.account(3).expect("funded");
    let call = Call { source, contract: deployment.contracts.lending.clone(), function: "default".into(), args: vec![ScVal::U64(1)] };
    deployment.devnet.build(&call, BuildOptions::default()).expect("built").hash
}

/// `trueup check --json`, which ends with that code.
async fn check_json(deployment: &Deployment, code: i32) -> Value {
    let ended = Program::start(&deployment.config, &["check", "--json"]).end().await;
    serde_json::from_str(&ended.expect_code(code).stdout).expect("JSON")
}

fn kind<'a>(checked: &'a Value, name: &str) -> &'a Value {
    let kinds = checked["kinds"].as_array().expect("kinds");
    kinds.iter().find(|kind| kind["kind"] == name).unwrap_or_else(|| panic!("no {name} in {checked}"))
}

#[tokio::test]
async fn a_sample_of_each_source_shows_both_sides_and_how_they_differ() {
    let deployment = deployment(&[("wallet", WALLET), ("holder", ACCOUNT), ("payment", PAYMENT), ("entry", ENTRY), ("viewed", VIEW)]).await;
    let chain = &deployment.devnet;
    let holder = chain.account(1).expect("funded");
    chain.trust(&holder, "USDC").expect("a trustline");
    chain.issue("USDC", &holder.address(), 5 * UNIT).expect("issued");
    let pay = vec![ScVal::U64(1), scval::i128(1)];
    let paid = chain.invoke(&holder, &deployment.contracts.lending, "release", pay).expect("included");
    // The first wallet's address is none, and the first entry is not there: both are passed over.
    insert(&deployment, "wallet", "", 0).await;
    insert(&deployment, "wallet", &holder.address(), 4).await;
    insert(&deployment, "holder", &holder.address(), 1).await;
    insert(&deployment, "payment", &paid.hash, 0).await;
    for of_loan in ["entry", "viewed"] {
        insert(&deployment, of_loan, "2", 7).await;
    }
    insert(&deployment, "entry", "1000", 7).await;
    let checked = check_json(&deployment, 0).await;
    assert_eq!(checked["sound"], json!(true));

    let sample = |name: &str| kind(&checked, name)["sample"].clone();
    let wallet = sample("wallet");
    assert_eq!((&wallet["row"], &wallet["verdict"]), (&json!(holder.address()), &json!("drifted")));
    assert_eq!((&wallet["chain"]["balance"], &wallet["database"]["v"]), (&json!("5.0000000"), &json!("4")));
    assert_eq!(wallet["differences"], json!(["v: 4 → 5"]));
    let account = sample("holder");
    assert_eq!((&account["verdict"], &account["differences"]), (&json!("in_sync"), &json!([])), "one trustline");
    let payment = sample("payment");
    assert_eq!((&payment["chain"]["status"], &payment["differences"]), (&json!("SUCCESS"), &json!(["state: pending → success"])));
    for of_loan in ["entry", "viewed"] {
        let sample = sample(of_loan);
        assert_eq!((&sample["row"], &sample["chain"]), (&json!("2"), &json!({ "owed": "2.0000000" })), "{of_loan}");
        assert_eq!(sample["differences"], json!(["v: 7 → 2"]), "{of_loan}");
        let contract = json!({ "id": deployment.contracts.lending, "exists": true });
        assert_eq!(kind(&checked, of_loan)["contract"], contract, "{of_loan}");
    }
    assert_eq!(kind(&checked, "holder")["contract"], Value::Null, "accounts are of no contract");
    let shown = check(&deployment).await;
    shown.expect_code(0);
    assert!(shown.stdout.contains("differs: v: 4 → 5"), "{}", shown.stdout);
    assert_eq!(deployment.value::<i64>("SELECT count(*) FROM trueup.runs").await, 0, "to check is not to run");
}

#[tokio::test]
async fn where_no_row_has_anything_on_chain_the_check_says_what_to_look_at() {
    let nobodys = VIEW.replace("\"LENDING\"", "{ column = \"state\" }");
    let kinds = [("wallet", WALLET), ("holder", ACCOUNT), ("payment", PAYMENT), ("entry", ENTRY), ("viewed", &nobodys), ("bare", ENTRY)];
    let deployment = deployment(&kinds).await;
    let nobody = deployment.devnet.key(77).address();
    insert(&deployment, "wallet", &nobody, 1).await;
    insert(&deployment, "holder", &nobody, 1).await;
    insert(&deployment, "payment", &never_sent(&deployment), 1).await;
    insert(&deployment, "entry", "1000", 1).await;
    insert(&deployment, "entry", "1001", 1).await;
    insert(&deployment, "viewed", "1", 1).await;
    deployment.sql("UPDATE viewed SET state = NULL").await;
    let shown = check(&deployment).await;
    shown.expect_code(0);
    for line in [
        "none of the first 1 rows has a balance on chain; are the asset and the holder right?",
        "none of the first 1 rows has an account on chain; is this the right network?",
        "none of the first 1 rows has a transaction that is decided",
        "none of the first 2 rows has an entry on chain; are the entry's parts and its durability right?",
        "none of the first 1 rows has all that the view needs",
        "the table has no rows to sample",
    ] {
        assert!(shown.stdout.contains(line), "{line}\n{}", shown.stdout);
    }
    let checked = check_json(&deployment, 0).await;
    for (name, _) in kinds {
        assert_eq!((&kind(&checked, name)["sample"], &kind(&checked, name)["problems"]), (&Value::Null, &json!([])), "{name}");
    }
    assert_eq!(kind(&checked, "viewed")["contract"], Value::Null, "each row names its own");
}

#[tokio::test]
async fn a_row_that_waits_for_its_key_is_no_sample() {
    let deployment = deployment(&[]).await;
    deployment.sql("UPDATE loans SET loan_id = 'pending-one' WHERE loan_id = '1'").await;
    let sample = kind(&check_json(&deployment, 0).await, BOOK)["sample"].clone();
    assert_eq!((&sample["row"], &sample["verdict"]), (&json!("2"), &json!("in_sync")), "the first that has its key");
    deployment.sql("DELETE FROM loans WHERE id > 1").await;
    assert_eq!(kind(&check_json(&deployment, 0).await, BOOK)["sample"], Value::Null);
}

#[tokio::test]
async fn a_row_that_cannot_be_compared_is_shown_with_its_failure() {
    let deployment = deployment(&[("viewed", VIEW)]).await;
    let condition = format!("{SPEC}\n[[condition]]\nname = \"sound\"\nholds = \"10 / (db.id - 1) > 0\"\n");
    std::fs::write(deployment.specs.path().join("loan.toml"), condition.replace("${LENDING}", &deployment.contracts.lending))
        .expect("the spec");
    // A view that fails for the only row there is.
    insert(&deployment, "viewed", "404", 1).await;
    let checked = check_json(&deployment, 1).await;
    assert_eq!(checked["sound"], json!(false));
    let verdict = kind(&checked, BOOK)["sample"]["verdict"].as_str().expect("a verdict").to_owned();
    assert!(verdict.starts_with("failed: ") && verdict.contains("division by zero"), "{verdict}");
    let viewed = kind(&checked, "viewed");
    assert_eq!((&viewed["sample"]["verdict"], &viewed["sample"]["chain"]), (&json!("unknown:view_failed"), &json!({})));
    assert_eq!(viewed["problems"].as_array().map(Vec::len), Some(1), "{viewed}");
    // A row for which it works shows that the view does.
    insert(&deployment, "viewed", "1", 1).await;
    let checked = check_json(&deployment, 0).await;
    assert_eq!((&kind(&checked, "viewed")["sample"]["row"], &kind(&checked, "viewed")["problems"]), (&json!("1"), &json!([])));
}
