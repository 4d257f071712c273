use std::collections::HashSet;
use std::time::{Duration, Instant};

use trueup_chain::{Chain, Config, KEYS_PER_CALL_MAX, ReadError};

use crate::double::{Double, Reply, Seen};
use crate::ledger::{Ledger, base64, item};

/// Calls are allowed that much more than full ones would be.
const SLACK_PERCENT: u64 = 5;
/// And this many besides: the first and last calls of a run are not full.
const SLACK_CALLS: u64 = 4;

async fn connect(double: &Double) -> Chain {
    let chain = Chain::connect(Config { calls_in_flight: 4, ..double.config() }).await;
    chain.expect("the double answers getNetwork")
}

fn assert_calls_are_sound(calls: &[Vec<String>]) {
    for call in calls {
        assert!(call.len() <= KEYS_PER_CALL_MAX, "{} keys", call.len());
        assert_eq!(call.iter().collect::<HashSet<_>>().len(), call.len(), "a key twice in one call");
    }
}

fn assert_calls_are_few(calls: u64, keys: u64) {
    let full = keys.div_ceil(KEYS_PER_CALL_MAX as u64 - 1);
    let allowed = full + (full * SLACK_PERCENT) / 100 + SLACK_CALLS;
    println!("{calls} calls for {keys} keys; {full} full ones would do");
    assert!(calls <= allowed, "{calls} calls for {keys} keys; {full} full ones would do, {allowed} are allowed");
}

/// Reads `keys` items from `callers` tasks at once, each a batch of `batch` at a time, as workers do.
async fn run(double: &Double, contracts: &'static [u8], keys: u64, callers: u64, batch: u64, announced: bool) -> Chain {
    let chain = connect(double).await;
    let share = keys / callers;
    let tasks = (0..callers).map(|caller| {
        let chain = chain.clone();
        tokio::spawn(async move {
            let mut next = caller * share;
            while next < (caller + 1) * share {
                let intent = announced.then(|| chain.intent());
                let end = (next + batch).min((caller + 1) * share);
                let wanted = (next..end).map(|id| item(contracts[id as usize % contracts.len()], id)).collect();
                // What a worker does in SQL before it knows its keys.
                tokio::time::sleep(Duration::from_millis(5)).await;
                let readings = match intent {
                    Some(intent) => chain.read_announced(wanted, intent).await,
                    None => chain.read(wanted).await,
                };
                assert!(readings.iter().all(|reading| matches!(reading, Ok(reading) if reading.entry.is_some() && reading.with_instance)));
                next = end;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("every key was answered");
    }
    chain
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_run_of_announced_batches_needs_hardly_more_calls_than_full_ones() {
    let ledger = Ledger::of(&[1]).with(1, 0..20_000);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = run(&double, &[1], 20_000, 4, 500, true).await;
    assert_calls_are_sound(&double.calls());
    assert_calls_are_few(chain.calls()["getLedgerEntries"], 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_nobody_announced_fill_calls_too() {
    let ledger = Ledger::of(&[1]).with(1, 0..20_000);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = run(&double, &[1], 20_000, 4, 500, false).await;
    assert_calls_are_sound(&double.calls());
    assert_calls_are_few(chain.calls()["getLedgerEntries"], 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_that_are_not_a_multiple_of_a_call_and_several_contracts_fill_calls_too() {
    let contracts = &[1, 2, 3];
    let ledger = contracts.iter().fold(Ledger::of(contracts), |ledger, contract| ledger.with(*contract, 0..20_000));
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = run(&double, contracts, 20_000, 5, 300, true).await;
    assert_calls_are_sound(&double.calls());
    assert_calls_are_few(chain.calls()["getLedgerEntries"], 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_for_each_key_still_shares_calls() {
    let contracts: Vec<u8> = (1..=250).collect();
    let mut ledger = Ledger::of(&contracts);
    for contract in &contracts {
        ledger = ledger.with(*contract, [1]);
    }
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = connect(&double).await;
    let readings = chain.read(contracts.iter().map(|contract| item(*contract, 1)).collect()).await;
    assert!(readings.iter().all(|reading| matches!(reading, Ok(reading) if reading.entry.is_some() && reading.with_instance)));
    assert_calls_are_sound(&double.calls());
    assert_eq!(double.calls().iter().map(Vec::len).collect::<Vec<_>>(), [200, 200, 100]);
}

#[tokio::test]
async fn a_key_that_several_callers_want_is_read_once_a_call() {
    let ledger = Ledger::of(&[1]).with(1, 0..10);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = connect(&double).await;
    let wanted = || vec![item(1, 3), item(1, 3), item(1, 4)];
    let (first, second) = tokio::join!(chain.read(wanted()), chain.read(wanted()));
    assert_eq!(first, second);
    assert_eq!((first.len(), &first[0]), (3, &first[1]));
    assert_eq!(double.calls().len(), 1);
    assert_eq!(double.calls()[0].len(), 3);
}

#[tokio::test]
async fn nothing_is_asked_for_nothing() {
    let double = Double::start(|_| panic!("nobody asked")).await;
    assert!(connect(&double).await.read(Vec::new()).await.is_empty());
}

#[tokio::test]
async fn a_small_read_waits_for_announced_keys_but_not_for_long() {
    let ledger = Ledger::of(&[1]).with(1, 0..10);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let linger = Duration::from_secs(1);
    let chain = Chain::connect(Config { linger, ..double.config() }).await.expect("connects");

    let begun = Instant::now();
    chain.read(vec![item(1, 1)]).await;
    assert!(begun.elapsed() < linger, "nothing was announced");

    let intent = chain.intent();
    let begun = Instant::now();
    chain.read(vec![item(1, 2)]).await;
    assert!(begun.elapsed() >= linger, "keys were announced");

    let begun = Instant::now();
    let (together, alone) = tokio::join!(chain.read(vec![item(1, 3)]), chain.read_announced(vec![item(1, 4)], intent));
    assert!(begun.elapsed() < linger, "the announced keys came");
    assert!(together[0].is_ok() && alone[0].is_ok());
    assert_eq!(double.calls().len(), 3);
}

#[tokio::test]
async fn an_intent_that_is_dropped_lets_the_others_go() {
    let ledger = Ledger::of(&[1]).with(1, 0..10);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = Chain::connect(Config { linger: Duration::from_secs(60), ..double.config() }).await.expect("connects");
    let intent = chain.intent();
    let other = chain.clone();
    let reading = tokio::spawn(async move { other.read(vec![item(1, 1)]).await });
    tokio::task::yield_now().await;
    drop(intent);
    let readings = tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it did not linger").expect("no panic");
    assert!(readings[0].is_ok());
}

#[tokio::test]
async fn a_caller_that_goes_away_disturbs_nobody() {
    let ledger = Ledger::of(&[1]).with(1, 0..10);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = Chain::connect(Config { linger: Duration::from_secs(60), ..double.config() }).await.expect("connects");
    let intent = chain.intent();
    let gone = tokio::time::timeout(Duration::from_millis(10), chain.read(vec![item(1, 1), item(1, 2)])).await;
    assert!(gone.is_err(), "it waited for the announced keys");
    let readings = chain.read_announced(vec![item(1, 2), item(1, 3)], intent).await;
    assert!(readings.iter().all(Result::is_ok));
    // What only the one that went away wanted is not read for nobody.
    assert!(!double.calls().concat().contains(&base64(&item(1, 1))));
}

#[tokio::test]
async fn a_key_that_the_server_refuses_fails_alone() {
    let ledger = Ledger::of(&[1]).with(1, 0..200);
    let poison = base64(&item(1, 77));
    let double = Double::start(move |seen| match seen.keys().contains(&poison) {
        true => Reply::Error(-32602, "cannot unmarshal key value"),
        false => ledger.reply(seen),
    })
    .await;
    let readings = connect(&double).await.read((0..150).map(|id| item(1, id)).collect()).await;
    for (id, reading) in readings.iter().enumerate() {
        match reading {
            Err(ReadError::Rpc { code: -32602, .. }) => assert_eq!(id, 77),
            other => assert!(matches!(other, Ok(reading) if reading.entry.is_some()), "{id}: {other:?}"),
        }
    }
    assert!(double.calls().len() <= 2 * 8 + 1, "{} calls", double.calls().len());
}

/// What a server does that cannot bear more than `bearable` keys.
fn overwhelmed(bearable: usize, refuse: fn() -> Reply) -> impl Fn(&Seen) -> Reply {
    let ledger = Ledger::of(&[1]).with(1, 0..100);
    move |seen| if seen.keys().len() > bearable { refuse() } else { ledger.reply(seen) }
}

#[tokio::test]
async fn a_call_that_is_too_large_or_too_slow_is_halved_until_it_fits() {
    let refusals: [fn() -> Reply; 3] = [|| Reply::Status(413, &[]), || Reply::Body(" ".repeat(300_000)), || Reply::Hang];
    for refuse in refusals {
        // Two keys are one and its instance.
        let double = Double::start(overwhelmed(2, refuse)).await;
        let config = Config { body_limit_bytes: 200_000, timeout: Duration::from_secs(1), ..double.config() };
        let chain = Chain::connect(config).await.expect("connects");
        let readings = chain.read((0..4).map(|id| item(1, id)).collect()).await;
        assert!(readings.iter().all(|reading| matches!(reading, Ok(reading) if reading.entry.is_some())), "{readings:?}");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_in_time_is_given_up_soon() {
    let double = Double::start(|_| Reply::Hang).await;
    let timeout = Duration::from_millis(300);
    let chain = Chain::connect(Config { timeout, ..double.config() }).await.expect("connects");
    let readings = chain.read((0..190).map(|id| item(1, id)).collect()).await;
    assert!(readings.iter().all(|reading| matches!(reading, Err(ReadError::Timeout { .. }))));
    assert!(double.calls().len() <= 5, "{} calls", double.calls().len());
}

#[tokio::test]
async fn a_server_that_refuses_everything_is_given_up() {
    let double = Double::start(|_| Reply::Error(-32602, "no")).await;
    let readings = connect(&double).await.read((0..190).map(|id| item(1, id)).collect()).await;
    assert!(readings.iter().all(|reading| matches!(reading, Err(ReadError::Rpc { code: -32602, .. }))));
    assert!(double.calls().len() <= 31, "{} calls", double.calls().len());
}

#[tokio::test]
async fn a_server_that_fails_inside_is_not_hammered() {
    let double = Double::start(|_| Reply::Error(-32603, "data stores are not initialized")).await;
    let readings = connect(&double).await.read((0..190).map(|id| item(1, id)).collect()).await;
    assert!(readings.iter().all(|reading| matches!(reading, Err(error) if error.is_transient())));
    // The first call and its three retries, two halves, four quarters.
    assert_eq!(double.calls().len(), 4 + 2 + 4);
}

#[tokio::test]
async fn an_error_of_the_server_reaches_every_caller_and_the_next_read_is_a_new_one() {
    let ledger = Ledger::of(&[1]).with(1, 0..10);
    let double = Double::start(move |seen| if seen.nth < 1 { Reply::Status(400, &[]) } else { ledger.reply(seen) }).await;
    let chain = connect(&double).await;
    let (first, second) = tokio::join!(chain.read(vec![item(1, 1)]), chain.read(vec![item(1, 2)]));
    assert!(first[0].is_err() && second[0].is_err());
    assert!(chain.read(vec![item(1, 1)]).await[0].is_ok());
}
