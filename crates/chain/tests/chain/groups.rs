use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use stellar_xdr::LedgerKey;
use trueup_chain::{Chain, Config, KEYS_PER_CALL_MAX, ReadError, Reading};

use crate::double::{Double, Reply, Seen};
use crate::ledger::{Ledger, TIP, base64, item};

/// The one entry that all groups share.
const POOL: u64 = u64::MAX;

fn group(id: u64) -> Vec<LedgerKey> {
    vec![item(1, id), item(1, POOL)]
}

/// A chain whose calls carry one key and its contract's instance, so that a group takes as many calls as it has keys, one
/// after the other.
async fn key_by_key(double: &Double) -> Chain {
    Chain::connect(Config { keys_per_call: 2, calls_in_flight: 1, ..double.config() }).await.expect("the double answers getNetwork")
}

async fn read(chain: &Chain, groups: Vec<Vec<LedgerKey>>) -> Vec<Result<Vec<Reading>, ReadError>> {
    let intent = chain.intent();
    chain.read_groups(groups, intent).await
}

/// The items of a sound answer, as of that ledger.
fn as_of(ledger: u32, items: Vec<Value>) -> Reply {
    Reply::Result(json!({ "entries": items, "latestLedger": ledger }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_comes_from_one_response_and_what_groups_share_is_read_once_a_call() {
    const GROUPS: u64 = 10_000;
    let ledger = Ledger::of(&[1]).with(1, 0..GROUPS).with(1, [POOL]);
    let calls = AtomicU32::new(0);
    // Every response is another ledger.
    let double = Double::start(move |seen| as_of(TIP + calls.fetch_add(1, Ordering::Relaxed), ledger.items(seen))).await;
    // One call at a time, so that no answer overtakes a later one.
    let config = Config { calls_in_flight: 1, ..double.config() };
    let chain = Chain::connect(config).await.expect("the double answers getNetwork");
    let tasks = (0..4).map(|caller| {
        let chain = chain.clone();
        tokio::spawn(async move {
            for batch in 0..5 {
                let first = caller * GROUPS / 4 + batch * 500;
                for readings in read(&chain, (first..first + 500).map(group).collect()).await {
                    let readings = readings.expect("it is there");
                    assert_eq!(readings.len(), 2);
                    assert_eq!(readings[0].stamp.ledger, readings[1].stamp.ledger);
                    assert!(readings.iter().all(|reading| reading.entry.is_some() && reading.with_instance));
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("every group was answered");
    }
    for call in double.calls() {
        assert!(call.len() <= KEYS_PER_CALL_MAX, "{} keys", call.len());
        assert_eq!(call.iter().filter(|key| **key == base64(&item(1, POOL))).count(), 1);
    }
    let full = GROUPS.div_ceil(KEYS_PER_CALL_MAX as u64 - 2);
    let calls = chain.calls()["getLedgerEntries"];
    assert!(calls <= full + full / 20 + 4, "{calls} calls for {GROUPS} groups, and {full} full ones would do");
}

#[tokio::test]
async fn an_absence_in_a_group_is_of_the_same_response_as_the_rest() {
    let ledger = Ledger::of(&[1]).with(1, [7]);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let chain = double.connect().await;
    let groups = vec![group(7), group(8), Vec::new(), vec![item(1, 7), item(1, 7)]];
    let read: Vec<Vec<bool>> = read(&chain, groups)
        .await
        .into_iter()
        .map(|readings| readings.expect("a sound answer").iter().map(|reading| reading.entry.is_some()).collect())
        .collect();
    assert_eq!(read, [vec![true, false], vec![false, false], vec![], vec![true, true]]);
    assert_eq!(double.calls().len(), 1);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_fails_only_its_own_group() {
    let ledger = Ledger::of(&[1]).with(1, 7..9).with(1, [POOL]).edit(&item(1, 8), |json| json["lastModifiedLedgerSeq"] = json!(-1));
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let read = read(&double.connect().await, vec![group(7), group(8)]).await;
    assert!(matches!(read.as_slice(), [Ok(_), Err(ReadError::Undecodable { .. })]), "{read:?}");
}

/// Every response is another ledger, in which its entries were modified: from the first on, or in the first two only.
async fn moving(settles: bool) -> Double {
    let ledger = Ledger::of(&[1]).with(1, [7, POOL]);
    let calls = AtomicU32::new(0);
    Double::start(move |seen: &Seen| {
        let now = TIP + calls.fetch_add(1, Ordering::Relaxed);
        let mut items = ledger.items(seen);
        items.iter_mut().for_each(|it| it["lastModifiedLedgerSeq"] = json!(if settles { now.min(TIP + 1) } else { now }));
        as_of(now, items)
    })
    .await
}

#[tokio::test]
async fn a_group_that_no_call_carries_is_read_again_until_nothing_changed_between_its_calls() {
    let double = moving(true).await;
    let readings = read(&key_by_key(&double).await, vec![group(7)]).await.remove(0).expect("it goes together");
    let mut ledgers: Vec<u32> = readings.iter().map(|reading| reading.stamp.ledger).collect();
    ledgers.sort_unstable();
    assert_eq!(ledgers, [TIP + 2, TIP + 3]);
    assert_eq!(double.calls().len(), 4);
}

#[tokio::test]
async fn a_group_that_never_goes_together_is_an_error_after_a_few_reads() {
    let double = moving(false).await;
    let read = read(&key_by_key(&double).await, vec![group(7)]).await;
    assert!(matches!(read.as_slice(), [Err(ReadError::Inconsistent { .. })]), "{read:?}");
    assert_eq!(double.calls().len(), 6);
}

#[tokio::test]
async fn an_absence_in_a_call_of_its_own_goes_together_with_nothing() {
    let ledger = Ledger::of(&[1]).with(1, [7]);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let read = read(&key_by_key(&double).await, vec![group(7), vec![item(1, 7)]]).await;
    assert!(matches!(read.as_slice(), [Err(ReadError::Inconsistent { .. }), Ok(_)]), "{read:?}");
}

#[tokio::test]
async fn a_group_that_is_too_much_for_one_answer_is_read_key_by_key() {
    let ledger = Ledger::of(&[1]).with(1, [7, POOL]);
    let double = Double::start(move |seen| if seen.keys().len() > 2 { Reply::Status(413, &[]) } else { ledger.reply(seen) }).await;
    let readings = read(&double.connect().await, vec![group(7)]).await.remove(0);
    assert!(readings.expect("they go together").iter().all(|reading| reading.entry.is_some()));
}
