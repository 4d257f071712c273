//! `source = "account"`.

use trueup::Mode;

use crate::sources::{check, deployment, muxed, not_judged};

const TABLES: &str = "CREATE TABLE accounts (
    name text PRIMARY KEY,
    address text UNIQUE,
    xlm numeric,
    sequence bigint,
    trustlines integer,
    domain text,
    signers jsonb DEFAULT '[]'
)";

const SPEC: &str = r#"
kind  = "account"
table = "accounts"
key   = "address"

[chain]
source  = "account"
account = "address"

[[field]]
column = "xlm"
value  = "balance"

[[field]]
column = "sequence"
value  = "sequence"

[[field]]
column = "trustlines"
value  = "subentries"

[[field]]
column = "domain"
value  = "home_domain"

[[field]]
column = "signers"
value  = "signers"

[[condition]]
name  = "no one else can sign"
holds = "chain.master_weight >= chain.high_threshold and chain.last_modified > 0 and chain.flags = 0"

[repair]
stale_value = "update"
"#;

#[tokio::test]
async fn accounts_are_compared_and_repaired_and_one_that_is_not_there_is_reported() {
    let deployment = deployment(TABLES, SPEC).await;
    let chain = &deployment.devnet;
    let (one, two) = (chain.account(1).expect("funded"), chain.account(2).expect("funded"));
    chain.trust(&two, "USDC").expect("a trustline");
    let [gone, contract] = [chain.key(99).address(), deployment.contracts.pool.clone()];
    for (name, address) in [
        ("one", Some(one.address())),
        ("two", Some(two.address())),
        ("two again", Some(muxed(&two, 1))),
        ("gone", Some(gone)),
        ("a contract", Some(contract)),
        ("nobody", None),
    ] {
        sqlx::query("INSERT INTO accounts (name, address) VALUES ($1, $2)")
            .bind(name)
            .bind(address)
            .execute(deployment.pool())
            .await
            .expect("a row");
    }
    let repaired = deployment.run(Mode::Repair).await;
    let found = repaired.found();
    assert_eq!(found.iter().filter(|drift| drift.starts_with("stale_value")).count(), 9, "{found:?}");
    assert!(found.contains(&"missing_on_chain no_account gone".to_owned()), "{found:?}");
    assert_eq!(not_judged(&repaired, "account"), ["failed 1", "skipped:no_key 1"], "a contract is no account");
    let rows: Vec<String> = (sqlx::query_scalar(
        "SELECT concat_ws(' ', name, trim_scale(xlm), trustlines, sequence > 0, domain IS NULL, signers) FROM accounts WHERE xlm IS NOT NULL ORDER BY 1",
    ))
    .fetch_all(deployment.pool())
    .await
    .expect("the rows");
    assert_eq!(rows, ["one 10000 0 t t []", "two 9999.99999 1 t t []", "two again 9999.99999 1 t t []"]);
    assert_eq!(deployment.run(Mode::Repair).await.found(), ["missing_on_chain no_account gone"]);
    assert!(check(&deployment).await.expect_code(0).stdout.contains("last_modified"));
}
