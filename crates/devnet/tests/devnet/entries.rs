//! `getLedgerEntries`, and the protocol around it.

use crate::client::{base64, from_base64, post, world};
use serde_json::{Value, json};
use stellar_xdr::{
    ContractDataDurability, ContractDataEntry, ExtensionPoint, Hash, LedgerEntryData, LedgerKey, LedgerKeyTtl, ScAddress, ScVal,
};
use trueup_devnet::{address, scval};

#[tokio::test]
async fn missing_keys_are_left_out_and_found_ones_come_in_order() {
    let world = world().await;
    let first = world.create_loan(1, 10);
    let second = world.create_loan(1, 20);
    let keys = [second, 999, first].map(|id| base64(&world.loan_key(id)));
    let answer = world.result("getLedgerEntries", json!({ "keys": keys })).await;
    let entries = answer["entries"].as_array().expect("a list");
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["key"], keys[0]);
    assert_eq!(entries[1]["key"], keys[2]);
    assert_eq!(answer["latestLedger"], world.devnet.latest().sequence);
    let data: LedgerEntryData = from_base64(&entries[0]["xdr"]);
    assert_eq!(data.to_key(), world.loan_key(second));
    assert!(entries[0]["liveUntilLedgerSeq"].as_u64() > answer["latestLedger"].as_u64());
    assert!(entries[0]["lastModifiedLedgerSeq"].is_u64());
}

#[tokio::test]
async fn more_than_200_keys_duplicates_and_ttl_keys_are_refused() {
    let world = world().await;
    let keys: Vec<String> = (0..201).map(|id| base64(&world.loan_key(id))).collect();
    let (code, message) = world.error("getLedgerEntries", json!({ "keys": keys })).await;
    assert_eq!(code, -32_602);
    assert_eq!(message, "key count (201) exceeds maximum supported (200)");
    let (code, message) = world.error("getLedgerEntries", json!({ "keys": [keys[0], keys[0]] })).await;
    assert_eq!(code, -32_603);
    assert!(message.contains("duplicate"), "{message}");
    let ttl = LedgerKey::Ttl(LedgerKeyTtl { key_hash: Hash([1; 32]) });
    let (code, message) = world.error("getLedgerEntries", json!({ "keys": [base64(&ttl)] })).await;
    assert_eq!(code, -32_602);
    assert_eq!(message, "ledger ttl entries cannot be queried directly");
    let (code, message) = world.error("getLedgerEntries", json!({ "keys": ["AAAA"] })).await;
    assert_eq!(code, -32_602);
    assert_eq!(message, "cannot unmarshal key value AAAA at index 0");
}

#[tokio::test]
async fn archived_entries_live_until_zero_and_expired_temporary_ones_are_gone() {
    let world = world().await;
    let id = world.create_loan(1, 10);
    let key = world.loan_key(id);
    assert!(world.devnet.archive(&key));
    let answer = world.result("getLedgerEntries", json!({ "keys": [base64(&key)] })).await;
    assert_eq!(answer["entries"][0]["liveUntilLedgerSeq"], 0);

    let contract = address::parse_contract(&world.contracts.lending).expect("a contract");
    let temporary = LedgerEntryData::ContractData(ContractDataEntry {
        ext: ExtensionPoint::V0,
        contract: ScAddress::Contract(contract),
        key: ScVal::U32(1),
        durability: ContractDataDurability::Temporary,
        val: ScVal::Void,
    });
    let live_until = world.devnet.latest().sequence + 1;
    world.devnet.put_entry(&temporary, Some(live_until));
    let keys = json!({ "keys": [base64(&temporary.to_key())] });
    let answer = world.result("getLedgerEntries", keys.clone()).await;
    assert_eq!(answer["entries"][0]["liveUntilLedgerSeq"], live_until);
    world.devnet.close_ledger();
    let answer = world.result("getLedgerEntries", keys).await;
    assert_eq!(answer["entries"], json!([]));
}

#[tokio::test]
async fn an_archived_loan_comes_back_when_it_is_used() {
    let world = world().await;
    let id = world.create_loan(1, 10);
    let key = world.loan_key(id);
    world.devnet.archive(&key);
    let borrower = world.devnet.account(1).expect("funded");
    let args = vec![ScVal::U64(id), scval::i128(10)];
    world.devnet.invoke(&borrower, &world.contracts.lending, "release", args).expect("made");
    let live_until = world.devnet.entry(&key).and_then(|entry| entry.live_until);
    assert!(live_until > Some(world.devnet.latest().sequence));
}

#[tokio::test]
async fn removed_entries_do_not_come_back() {
    let world = world().await;
    let key = world.loan_key(world.create_loan(1, 10));
    assert!(world.devnet.remove_entry(&key));
    assert!(!world.devnet.remove_entry(&key));
    let answer = world.result("getLedgerEntries", json!({ "keys": [base64(&key)] })).await;
    assert_eq!(answer["entries"], json!([]));
}

#[tokio::test]
async fn xdr_comes_as_json_if_asked_for() {
    let world = world().await;
    let key = world.loan_key(world.create_loan(1, 10));
    let params = json!({ "keys": [base64(&key)], "xdrFormat": "json" });
    let answer = world.result("getLedgerEntries", params).await;
    let entry = &answer["entries"][0];
    assert!(entry["keyJson"]["contract_data"].is_object(), "{entry}");
    assert!(entry["dataJson"]["contract_data"]["val"]["map"].is_array());
    assert!(entry.get("xdr").is_none());
    let params = json!({ "keys": [], "xdrFormat": "yaml" });
    assert_eq!(world.error("getLedgerEntries", params).await.0, -32_602);
}

#[tokio::test]
async fn bad_requests_get_the_codes_of_json_rpc() {
    let world = world().await;
    let code = |text: &str| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        value["error"]["code"].as_i64()
    };
    let url = &world.served.url;
    let send = |body: &str| post(url, body.to_owned());
    assert_eq!(code(&send("{nonsense").await.1), Some(-32_700));
    assert_eq!(code(&send("[]").await.1), Some(-32_600));
    assert_eq!(code(&send(r#"{"id":1,"method":"getHealth"}"#).await.1), Some(-32_600));
    assert_eq!(world.error("getMoon", json!({})).await.0, -32_601);
    assert_eq!(world.error("getTransaction", json!([1])).await.0, -32_602);
    assert_eq!(world.error("getTransaction", json!({ "hash": "ab" })).await.0, -32_602);
    let notification = send(r#"{"jsonrpc":"2.0","method":"getHealth"}"#).await;
    assert_eq!(notification, (204, String::new()));
    let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"getHealth"},{"jsonrpc":"2.0","id":2,"method":"x"}]"#;
    let answers: Value = serde_json::from_str(&send(batch).await.1).expect("JSON");
    assert_eq!(answers[0]["result"]["status"], "healthy");
    assert_eq!(answers[1]["error"]["code"], -32_601);
}
