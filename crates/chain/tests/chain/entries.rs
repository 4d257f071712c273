use std::sync::Arc;

use serde_json::{Value, json};
use stellar_xdr::{
    AccountEntry, AccountEntryExt, AccountEntryExtensionV1, AccountEntryExtensionV1Ext, AccountEntryExtensionV2,
    AccountEntryExtensionV2Ext, AccountEntryExtensionV3, ContractDataDurability, LedgerEntryData, LedgerKey, OfferEntry, ScVal,
    SequenceNumber,
};
use trueup_chain::{Chain, Entry, ReadError, Reading, account_seen};
use trueup_judge::{AccountSeen, Stamp};

use crate::double::{Double, Reply};
use crate::fixtures::rows;
use crate::ledger::{Ledger, TIP, answer, base64, instance, item};

async fn chain(reply: impl Fn(&crate::double::Seen) -> Reply + Send + Sync + 'static) -> Chain {
    Double::start(reply).await.connect().await
}

/// What each key was answered with: its number, absent, or unreadable.
fn shown(results: &[Result<Reading, ReadError>]) -> Vec<String> {
    results
        .iter()
        .map(|result| match result {
            Ok(Reading { entry: Some(entry), .. }) => {
                entry.value().map_or_else(|| entry.data.name().to_owned(), |value| format!("{value:?}"))
            }
            Ok(Reading { entry: None, .. }) => "absent".to_owned(),
            Err(ReadError::Undecodable { .. }) => "undecodable".to_owned(),
            Err(error) => panic!("{error}"),
        })
        .collect()
}

#[tokio::test]
async fn an_entry_comes_with_its_stamp_its_bytes_and_its_contracts_instance() {
    let ledger = Ledger::of(&[1]).with(1, [7]);
    let chain = chain(move |seen| ledger.reply(seen)).await;
    let reading = chain.read(vec![item(1, 7)]).await.remove(0).expect("a sound answer");
    assert_eq!(reading.stamp.endpoint, chain.endpoint());
    assert_eq!((reading.stamp.ledger, reading.stamp.last_modified, reading.stamp.archived), (TIP, Some(TIP - 1), false));
    assert!(reading.with_instance);
    let entry = reading.entry.expect("it is there");
    assert_eq!(entry.value().as_deref(), Some(&ScVal::U64(7)));
    assert!(entry.xdr.starts_with("AAAABg"));
}

#[tokio::test]
async fn an_absence_says_whether_the_contract_was_there() {
    let ledger = Ledger::of(&[1]);
    let chain = chain(move |seen| ledger.reply(seen)).await;
    let readings = chain.read(vec![item(1, 7), item(2, 7)]).await;
    let with_instance: Vec<bool> = readings.iter().map(|reading| reading.as_ref().expect("a sound answer").with_instance).collect();
    assert_eq!((shown(&readings), with_instance), (vec!["absent".to_owned(); 2], vec![true, false]));
    assert_eq!(readings[0].as_ref().map(|reading| reading.stamp.last_modified), Ok(None));
}

#[tokio::test]
async fn an_account_is_read_beside_contract_data_and_belongs_to_no_contract() {
    let account = LedgerEntryData::Account(AccountEntry { seq_num: SequenceNumber(41), ..AccountEntry::default() });
    let ledger = Ledger::of(&[1]).with(1, [7]).holding(&account);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let mut readings = double.connect().await.read(vec![account.to_key(), item(1, 7)]).await;
    let item = readings.remove(1).expect("a sound answer");
    let read = readings.remove(0).expect("a sound answer");
    assert_eq!((double.calls().len(), item.with_instance, read.with_instance), (1, true, false), "one call for both");
    assert_eq!(read.stamp.last_modified, Some(TIP - 1));
    let entry = read.entry.expect("it is there");
    assert_eq!((entry.value(), &entry.data), (None, &account));
}

#[test]
fn an_accounts_number_comes_with_the_ledger_in_which_it_got_it() {
    let reading = |seq_ledger, entry: Option<LedgerEntryData>| Reading {
        stamp: Stamp { endpoint: "a".into(), ledger: TIP, last_modified: Some(seq_ledger), archived: false, confirmed_by: None },
        entry: entry.map(|data| Arc::new(Entry { xdr: String::new(), data })),
        with_instance: false,
        runs: None,
    };
    let account = |seq_ledger| {
        let third = AccountEntryExtensionV3 { seq_ledger, ..AccountEntryExtensionV3::default() };
        let second = AccountEntryExtensionV2 { ext: AccountEntryExtensionV2Ext::V3(third), ..AccountEntryExtensionV2::default() };
        let first = AccountEntryExtensionV1 { ext: AccountEntryExtensionV1Ext::V2(second), ..AccountEntryExtensionV1::default() };
        AccountEntry { seq_num: SequenceNumber(41), ext: AccountEntryExt::V1(first), ..AccountEntry::default() }
    };
    let bare = AccountEntry { seq_num: SequenceNumber(41), ..AccountEntry::default() };
    let cases = [
        (Some(LedgerEntryData::Account(account(9))), Some(AccountSeen { sequence: Some(41), since: Some(9), ledger: TIP })),
        (Some(LedgerEntryData::Account(account(0))), Some(AccountSeen { sequence: Some(41), since: None, ledger: TIP })),
        (Some(LedgerEntryData::Account(bare)), Some(AccountSeen { sequence: Some(41), since: None, ledger: TIP })),
        (Some(LedgerEntryData::Offer(OfferEntry::default())), None),
        (None, Some(AccountSeen { sequence: None, since: None, ledger: TIP })),
    ];
    for (entry, seen) in cases {
        assert_eq!(account_seen(&reading(9, entry)), seen);
    }
}

#[tokio::test]
async fn no_entries_at_all_may_be_written_as_null() {
    let chain = chain(|_| Reply::Result(json!({ "entries": null, "latestLedger": TIP }))).await;
    assert_eq!(shown(&chain.read(vec![item(1, 7)]).await), ["absent"]);
}

#[tokio::test]
async fn the_instance_can_be_asked_for_itself_and_costs_no_second_key() {
    let ledger = Ledger::of(&[1]).with(1, [7]);
    let double = Double::start(move |seen| ledger.reply(seen)).await;
    let readings = double.connect().await.read(vec![instance(1), item(1, 7)]).await;
    assert!(readings.iter().all(|reading| matches!(reading, Ok(Reading { entry: Some(_), with_instance: true, .. }))));
    assert_eq!(double.calls().concat().len(), 2);
}

#[tokio::test]
async fn answers_are_matched_by_the_key_within_however_they_are_shuffled() {
    let ledger = Ledger::of(&[1]).with(1, [1, 2, 4]);
    let chain = chain(move |seen| {
        let mut items = ledger.items(seen);
        items.reverse();
        items.push(items[0].clone());
        answer(items)
    })
    .await;
    let readings = chain.read([4, 3, 2, 1].map(|id| item(1, id)).into()).await;
    assert_eq!(shown(&readings), ["U64(4)", "absent", "U64(2)", "U64(1)"]);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_is_ignored() {
    let ledger = Ledger::of(&[1, 2]).with(1, [1]).with(2, [1]);
    let foreign = base64(&item(2, 1));
    let chain = chain(move |seen| {
        let mut asked = seen.clone();
        asked.params["keys"].as_array_mut().expect("a list").push(Value::String(foreign.clone()));
        ledger.reply(&asked)
    })
    .await;
    assert_eq!(shown(&chain.read(vec![item(1, 1)]).await), ["U64(1)"]);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_fails_only_its_own_key() {
    let spoil: [fn(&mut Value); 7] = [
        |item| item["xdr"] = json!("AAAABgAAAAAAAAAJ"),
        |item| item["xdr"] = json!("not base64!"),
        |item| item["xdr"] = json!(5),
        |item| item["lastModifiedLedgerSeq"] = json!(null),
        |item| item["lastModifiedLedgerSeq"] = json!(TIP + 1),
        |item| item["liveUntilLedgerSeq"] = json!("soon"),
        |item| item["liveUntilLedgerSeq"] = json!(-1),
    ];
    for spoil in spoil {
        let ledger = Ledger::of(&[1]).with(1, [1, 2, 3]).edit(&item(1, 2), spoil);
        let chain = chain(move |seen| ledger.reply(seen)).await;
        let readings = chain.read([1, 2, 3].map(|id| item(1, id)).into()).await;
        assert_eq!(shown(&readings), ["U64(1)", "undecodable", "U64(3)"]);
        assert!(!readings[1].as_ref().expect_err("undecodable").is_transient());
    }
}

#[tokio::test]
async fn a_key_that_was_answered_with_anothers_entry_is_not_taken_for_absent() {
    let ledger = Ledger::of(&[1]).with(1, [1, 2]);
    let (first, second) = (base64(&item(1, 1)), base64(&item(1, 2)));
    let chain = chain(move |seen| {
        let mut items = ledger.items(seen);
        items.retain(|item| item["key"] != json!(second));
        items.iter_mut().filter(|item| item["key"] == json!(first)).for_each(|item| item["key"] = json!(second));
        answer(items)
    })
    .await;
    assert_eq!(shown(&chain.read(vec![item(1, 1), item(1, 2)]).await), ["U64(1)", "undecodable"]);
}

#[tokio::test]
async fn published_keys_that_do_not_belong_to_their_entries_mislead_nobody() {
    // In three of these rows of public documentation the key beside the entry is another one's.
    let rows = rows("ledger_entries_response.jsonl");
    let published: Vec<Value> = rows
        .iter()
        .map(|row| json!({ "key": row["responseKey"], "xdr": row["xdr"], "lastModifiedLedgerSeq": row["lastModifiedLedgerSeq"] }))
        .collect();
    let chain = chain(move |_| Reply::Result(json!({ "entries": published, "latestLedger": 2_600_000 }))).await;
    let keys = rows.iter().map(|row| {
        use stellar_xdr::ReadXdr;
        LedgerKey::from_xdr_base64(row["key"].as_str().expect("a key"), stellar_xdr::Limits::none()).expect("XDR")
    });
    for (row, reading) in rows.iter().zip(chain.read(keys.collect()).await) {
        let entry = reading.expect("a sound answer").entry.expect("it is there");
        assert_eq!(entry.xdr, row["xdr"]);
    }
}

#[tokio::test]
async fn two_different_answers_for_one_key_are_none() {
    let ledger = Ledger::of(&[1]).with(1, [1]);
    let chain = chain(move |seen| {
        let mut items = ledger.items(seen);
        let mut other = items.iter().find(|item| item["xdr"] != items[0]["xdr"]).cloned().unwrap_or_else(|| items[0].clone());
        other["lastModifiedLedgerSeq"] = json!(5);
        items.push(other);
        answer(items)
    })
    .await;
    // Which of the two items is doubled depends on the order of the keys; the other one stays sound.
    let readings = chain.read(vec![item(1, 1), instance(1)]).await;
    assert_eq!(readings.iter().filter(|reading| reading.is_err()).count(), 1);
}

#[tokio::test]
async fn archived_is_a_flag_on_an_entry_that_is_there() {
    for (live_until, archived) in [(json!(0), true), (json!(TIP - 1), true), (json!(TIP), false), (json!(null), false)] {
        let ledger = Ledger::of(&[1]).with(1, [1]).edit(&item(1, 1), |item| item["liveUntilLedgerSeq"] = live_until);
        let chain = chain(move |seen| ledger.reply(seen)).await;
        let reading = chain.read(vec![item(1, 1)]).await.remove(0).expect("a sound answer");
        assert!(reading.entry.is_some());
        assert_eq!(reading.stamp.archived, archived);
    }
}

#[tokio::test]
async fn a_response_that_is_not_whole_is_garbage_for_every_key() {
    for result in [
        json!({ "entries": [] }),
        json!({ "entries": [], "latestLedger": "1000" }),
        json!({ "entries": [], "latestLedger": -1 }),
        json!({ "latestLedger": TIP }),
        json!({ "entries": {}, "latestLedger": TIP }),
        json!([]),
    ] {
        let chain = chain(move |_| Reply::Result(result.clone())).await;
        for reading in chain.read(vec![item(1, 1), item(1, 2)]).await {
            assert!(matches!(reading, Err(ReadError::Garbage { .. })), "{reading:?}");
        }
    }
}

#[tokio::test]
async fn keys_differ_by_durability_too() {
    let ledger = Ledger::of(&[1]).with(1, [1]);
    let chain = chain(move |seen| ledger.reply(seen)).await;
    let mut temporary = item(1, 1);
    if let LedgerKey::ContractData(data) = &mut temporary {
        data.durability = ContractDataDurability::Temporary;
    }
    assert_eq!(shown(&chain.read(vec![temporary, item(1, 1)]).await), ["absent", "U64(1)"]);
}
