//! Invariant 9: a cursor moves only over what was stored with it.

use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trueup_devnet::{Faults, scval};

use crate::events::feeders::{FeederTask, caught_up, cursor, forget, holes, on_chain, stored, until};
use crate::program::Program;
use crate::support::Deployment;

/// How often the whole chain is read anew under other faults.
const ROUNDS: u64 = 24;
/// How many times feeders are killed in a round.
const KILLS: u32 = 4;

/// Another loan of 1 to 3 in one ledger.
fn more_loans(deployment: &Deployment, count: i128) {
    let source = deployment.devnet.account(1).expect("funded");
    let borrower = scval::address(&source.address()).expect("an address");
    for amount in 1..=count {
        let args = vec![borrower.clone(), scval::i128(amount), stellar_xdr::ScVal::U32(1)];
        deployment.devnet.invoke(&source, &deployment.contracts.lending, "create", args).expect("made");
    }
}

/// Whatever is stored lies before the cursor or in the ledger that it stands at, and before it nothing is missing.
async fn is_contiguous(deployment: &Deployment, chain: &[String]) {
    // Read together: the feeders go on meanwhile.
    let (next, stored): (Option<i64>, Vec<String>) =
        sqlx::query_as("SELECT (SELECT next_ledger FROM trueup.event_cursors), ARRAY(SELECT id FROM trueup.events ORDER BY id)")
            .fetch_one(deployment.pool())
            .await
            .expect("the state");
    let Some(next) = next else { return assert!(stored.is_empty()) };
    let ledger = |id: &String| id[..19].parse::<i64>().expect("a number") >> 32;
    let before = |ids: &[String]| ids.iter().filter(|id| ledger(id) < next).cloned().collect::<Vec<_>>();
    assert_eq!(before(&stored), before(chain), "everything before ledger {next} is stored");
    assert!(stored.iter().all(|id| ledger(id) <= next), "nothing behind the cursor's ledger is");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_cursor_is_contiguous_under_kills_faults_and_pages_of_any_size() {
    let deployment = Deployment::with_loans(120).await;
    more_loans(&deployment, 20);
    let chain = on_chain(&deployment, 2).await;
    assert_eq!(chain.len(), 140);
    for seed in 0..ROUNDS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        forget(&deployment).await;
        deployment.devnet.faults().set(Faults {
            seed,
            fail_percent: random.random_range(0..40),
            garbage_next: random.random_range(0..3),
            latency_ms: random.random_range(0..4),
            ..Faults::default()
        });
        for _ in 0..KILLS {
            // Connecting asks for the network; a feeder that cannot connect is none.
            let feeders = [connected(&deployment, &mut random).await, connected(&deployment, &mut random).await];
            tokio::time::sleep(Duration::from_millis(random.random_range(0..25))).await;
            is_contiguous(&deployment, &chain).await;
            for feeder in feeders {
                feeder.kill().await;
            }
            is_contiguous(&deployment, &chain).await;
        }
        deployment.devnet.faults().clear();
        let last = FeederTask::start(&deployment, random.random_range(1..50)).await;
        caught_up(&deployment).await;
        last.end().await;
        assert_eq!(stored(&deployment).await, chain, "seed {seed}");
        assert_eq!(cursor(&deployment).await, (2, i64::from(deployment.devnet.latest().sequence) + 1), "seed {seed}");
        assert_eq!(holes(&deployment).await, [], "seed {seed}");
    }
}

/// A feeder with pages of any size, connected while the chain answers.
async fn connected(deployment: &Deployment, random: &mut ChaCha8Rng) -> FeederTask {
    let faults = deployment.devnet.faults().get();
    deployment.devnet.faults().clear();
    let feeder = FeederTask::start(deployment, random.random_range(1..10)).await;
    deployment.devnet.faults().set(faults);
    feeder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_with_more_events_than_a_page_is_read_to_its_end() {
    let deployment = Deployment::with_loans(40).await;
    let in_one: i64 = i64::try_from(on_chain(&deployment, 2).await.len()).expect("few");
    let feeder = FeederTask::start(&deployment, 3).await;
    caught_up(&deployment).await;
    feeder.end().await;
    let (events, ledgers): (i64, i64) =
        sqlx::query_as("SELECT count(*), count(DISTINCT ledger) FROM trueup.events").fetch_one(deployment.pool()).await.expect("counts");
    assert_eq!((events, ledgers), (in_one, 1), "they are all of one ledger");
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_that_stand_elsewhere_meet_and_are_read_together() {
    let deployment = Deployment::with_loans(5).await;
    let feeder = FeederTask::start(&deployment, 100).await;
    caught_up(&deployment).await;
    feeder.end().await;
    more_loans(&deployment, 3);
    // A spec of another contract comes later.
    let pool = crate::support::SPEC
        .replace("kind    = \"loan\"", "kind = \"pool\"")
        .replace("${LENDING}", &deployment.contracts.pool)
        .replace("table   = \"loans\"", "table = \"pool_loans\"");
    deployment.sql("CREATE TABLE pool_loans (LIKE loans INCLUDING ALL)").await;
    std::fs::write(deployment.specs.path().join("pool.toml"), pool).expect("the spec");
    let feeder = FeederTask::start(&deployment, 100).await;
    let tip = deployment.devnet.latest().sequence;
    until(&deployment, &format!("(SELECT array_agg(next_ledger) FROM trueup.event_cursors) = ARRAY[{0}::bigint, {0}]", tip + 1)).await;
    deployment.devnet.reset_calls();
    more_loans(&deployment, 1);
    let tip = deployment.devnet.latest().sequence;
    until(&deployment, &format!("(SELECT array_agg(next_ledger) FROM trueup.event_cursors) = ARRAY[{0}::bigint, {0}]", tip + 1)).await;
    feeder.end().await;
    assert_eq!(deployment.devnet.calls()["getEvents"], 1, "one call for both");
    assert_eq!(stored(&deployment).await.len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_endpoint_is_waited_for_and_takes_nothing_back() {
    let deployment = Deployment::with_loans(5).await;
    deployment.devnet.faults().update(|faults| faults.lag_ledgers = 3);
    more_loans(&deployment, 5);
    let tip = i64::from(deployment.devnet.latest().sequence);
    let feeder = FeederTask::start(&deployment, 100).await;
    until(&deployment, &format!("EXISTS (SELECT FROM trueup.event_cursors WHERE next_ledger = {})", tip - 2)).await;
    assert_eq!(stored(&deployment).await.len(), 7, "not past what the endpoint has");
    deployment.devnet.faults().clear();
    caught_up(&deployment).await;
    deployment.devnet.faults().update(|faults| faults.lag_ledgers = 5);
    let looked = deployment.devnet.calls()["getHealth"];
    let asked_again = async {
        while deployment.devnet.calls()["getHealth"] < looked + 3 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked_again).await.expect("it goes on asking");
    feeder.end().await;
    assert_eq!((cursor(&deployment).await.1, stored(&deployment).await.len()), (tip + 1, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_leaves_a_cursor_that_another_goes_on_from() {
    let deployment = Deployment::with_loans(60).await;
    more_loans(&deployment, 10);
    deployment.devnet.faults().update(|faults| faults.latency_ms = 20);
    let program = Program::start(&deployment.config, &["scheduler"]);
    until(&deployment, "EXISTS (SELECT FROM trueup.event_cursors)").await;
    program.kill().await;
    deployment.devnet.faults().clear();
    let chain = on_chain(&deployment, 2).await;
    is_contiguous(&deployment, &chain).await;
    let program = Program::start(&deployment.config, &["all"]);
    caught_up(&deployment).await;
    program.terminate();
    program.end().await.expect_code(0);
    assert_eq!(stored(&deployment).await, chain);
    let status = Program::start(&deployment.config, &["events", "status", "--json"]).end().await;
    let shown: serde_json::Value = serde_json::from_str(&status.expect_code(0).stdout).expect("JSON");
    assert_eq!(
        (&shown[0]["stored"], &shown[0]["behind_ledgers"], &shown[0]["holes"]),
        (&chain.len().into(), &0.into(), &serde_json::json!([]))
    );
}
