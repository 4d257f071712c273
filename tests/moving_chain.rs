//! A chain that moves while it is read: what belongs together is judged as of one ledger, or not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::Deployment;
use trueup::Mode;
use trueup_devnet::{Call, Keypair, scval};

/// Two positions of one pool, and the pool's totals: at the end of any ledger the two are the whole.
const PAIR: &str = r#"
kind  = "pair"
table = "pairs"
key   = ["one", "other"]

[chain]
source   = "soroban"
contract = "${POOL}"
entry    = [{ symbol = "Position" }, { address = "one" }]

[chain.also.other]
entry = [{ symbol = "Position" }, { address = "other" }]

[chain.also.pool]
entry = "instance"

[values]
one   = { path = "shares", type = "numeric" }
other = { from = "other", path = "shares", type = "numeric" }
total = { from = "pool", path = "SHARES", type = "numeric" }

[[condition]]
name  = "two positions are the whole pool"
holds = "chain.one + chain.other = chain.total"
"#;

const RUNS: usize = 5;

async fn pair() -> (Deployment, [Keypair; 2]) {
    let deployment = Deployment::with_loans(0).await;
    std::fs::write(deployment.specs.path().join("loan.toml"), PAIR.replace("${POOL}", &deployment.contracts.pool)).expect("the spec");
    let wallets: [Keypair; 2] = deployment.devnet.fund_accounts(2).expect("accounts").try_into().expect("two of them");
    deployment.devnet.invoke_many(deposits(&deployment, &wallets, 1), 1).await.expect("both are in the pool");
    let [one, other] = wallets.each_ref().map(Keypair::address);
    // Both ways round, so that either is read first.
    let rows = format!("INSERT INTO pairs VALUES ('{one}', '{other}'), ('{other}', '{one}')");
    deployment.sql(&format!("CREATE TABLE pairs (one text, other text, PRIMARY KEY (one, other)); {rows}")).await;
    (deployment, wallets)
}

fn deposits(deployment: &Deployment, wallets: &[Keypair; 2], rounds: usize) -> Vec<Call> {
    let deposit = |source: &Keypair| Call {
        source: source.clone(),
        contract: deployment.contracts.pool.clone(),
        function: "deposit".to_owned(),
        args: vec![scval::address(&source.address()).expect("an address"), scval::i128(7)],
    };
    (0..rounds).flat_map(|_| wallets.iter().map(deposit)).collect()
}

/// Looks at the pair again and again while deposits are made, one a ledger. Whether each look came to a verdict.
async fn looks_while_it_moves(max_keys: Option<usize>) -> (u64, u64) {
    let (deployment, wallets) = pair().await;
    let still = deployment.run(Mode::Detect).await;
    assert_eq!((still.found().len(), still.document.total("in_sync")), (0, 2));
    deployment.devnet.faults().update(|faults| faults.max_keys = max_keys);
    let stop = Arc::new(AtomicBool::new(false));
    let (devnet, calls, stopped) = (deployment.devnet.clone(), deposits(&deployment, &wallets, 1), Arc::clone(&stop));
    let moving = tokio::spawn(async move {
        while !stopped.load(Ordering::Relaxed) {
            devnet.invoke_many(calls.clone(), 1).await.expect("deposits");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let (mut in_sync, mut unknown) = (0, 0);
    for _ in 0..RUNS {
        let finished = deployment.run(Mode::Detect).await;
        assert_eq!(finished.found(), [""; 0], "no ledger ever held what was compared");
        in_sync += finished.document.total("in_sync");
        unknown += finished.document.total("unknown");
    }
    stop.store(true, Ordering::Relaxed);
    moving.await.expect("it moved");
    (in_sync, unknown)
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_one_call_are_judged_together_while_the_chain_moves() {
    assert_eq!(looks_while_it_moves(None).await, (2 * RUNS as u64, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_of_several_calls_are_judged_together_or_not_at_all() {
    let (in_sync, unknown) = looks_while_it_moves(Some(2)).await;
    assert_eq!(in_sync + unknown, 2 * RUNS as u64);
}
