//! Real entries, transactions and events decode as an independent decoder says.

use std::path::Path as FilePath;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use stellar_xdr::{LedgerEntryData, LedgerKey, Limits, ReadXdr, ScAddress, ScVal, TransactionMeta, TransactionResult, WriteXdr};
use trueup_chain::{decode, entry_value, ledger_key, ledger_key_of};
use trueup_judge::Durability;
use trueup_spec::{Carrier, Path};

pub fn rows(file: &str) -> Vec<Value> {
    let path = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let text = std::fs::read_to_string(path).expect("the fixture is there");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn text<'a>(row: &'a Value, pointer: &str) -> &'a str {
    row.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} is a text"))
}

fn xdr<T: ReadXdr>(base64: &str) -> T {
    T::from_xdr_base64(base64, Limits::none()).expect("the fixture is XDR")
}

/// The independent decoder's form, `{"u32": 5}`, as the documented JSON form, `"5"`.
fn documented(oracle: &Value) -> Value {
    if oracle == "void" {
        return Value::Null;
    }
    let (kind, value) = oracle.as_object().and_then(|object| object.iter().next()).expect("one type, one value");
    match kind.as_str() {
        "vec" => value.as_array().expect("a list").iter().map(documented).collect(),
        "map" => {
            let pairs = value.as_array().expect("a list").iter();
            pairs.map(|pair| (documented(&pair["key"]).as_str().expect("a text").to_owned(), documented(&pair["val"]))).collect()
        }
        "bool" => value.clone(),
        // Instances are read through their storage.
        "contract_instance" if value["storage"].is_null() => json!({}),
        "contract_instance" => documented(&json!({ "map": value["storage"] })),
        _ => Value::String(value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
    }
}

fn decoded(value: &ScVal) -> Value {
    let text = decode(value, &Path::default(), Carrier::Jsonb, 0, false).expect("the fixture decodes");
    text.map_or(Value::Null, |text| serde_json::from_str(&text).expect("jsonb is JSON"))
}

fn rendered(value: &ScVal) -> Value {
    serde_json::to_value(value).expect("a value renders")
}

#[test]
fn every_contract_data_entry_decodes_as_the_oracle_says() {
    let rows = rows("contract_data.jsonl");
    assert_eq!(rows.len(), 84);
    for row in rows {
        let oracle = &row["oracle"];
        let key: LedgerKey = xdr(text(&row, "/key"));
        let entry: LedgerEntryData = xdr(text(&row, "/xdr"));
        assert_eq!(ledger_key_of(&entry), key);

        let LedgerKey::ContractData(data) = &key else { panic!("contract data") };
        assert_eq!(hex::encode(Sha256::digest(key.to_xdr(Limits::none()).expect("encodes"))), text(oracle, "/ledger_key_hash"));
        assert_eq!(data.contract.to_string(), text(oracle, "/contract_id"));
        assert_eq!(format!("ContractDataDurability{:?}", data.durability), text(oracle, "/durability"));

        let durability = match text(oracle, "/durability") {
            "ContractDataDurabilityPersistent" => Durability::Persistent,
            _ => Durability::Temporary,
        };
        assert_eq!(ledger_key(text(oracle, "/contract_id"), data.key.clone(), durability), Ok(key.clone()));

        assert_eq!(rendered(&data.key), oracle["key_decoded"]);
        let LedgerEntryData::ContractData(stored) = &entry else { panic!("contract data") };
        assert_eq!(rendered(&stored.val), oracle["val_decoded"]);
        assert_eq!(decoded(&entry_value(&entry).expect("contract data")), documented(&oracle["val_decoded"]));
        if data.key != ScVal::LedgerKeyContractInstance {
            assert_eq!(decoded(&data.key), documented(&oracle["key_decoded"]));
        }
    }
}

#[test]
fn every_published_entry_decodes_and_its_key_is_the_one_within() {
    let rows = rows("ledger_entries_response.jsonl");
    assert_eq!(rows.len(), 4);
    for row in rows {
        let entry: LedgerEntryData = xdr(text(&row, "/xdr"));
        let key: LedgerKey = xdr(text(&row, "/key"));
        assert_eq!(ledger_key_of(&entry), key);
        assert_eq!(serde_json::to_value(&entry).expect("renders"), row["json"]);
        assert_eq!(decoded(&entry_value(&entry).expect("contract data")), documented(&row["json"]["contract_data"]["val"]));
        let contract: ScAddress = text(&row, "/json/contract_data/contract").parse().expect("a strkey");
        assert!(matches!(&key, LedgerKey::ContractData(data) if data.contract == contract));
    }
}

#[test]
fn every_transaction_result_and_return_value_decodes() {
    let rows = rows("tx_meta_soroban.jsonl");
    assert_eq!(rows.len(), 9);
    for row in rows {
        let result: TransactionResult = xdr(text(&row, "/resultXdr"));
        assert_eq!(format!("{:?}", result.result.discriminant()), text(&row, "/resultCode"));
        let returned = match xdr::<TransactionMeta>(text(&row, "/resultMetaXdr")) {
            TransactionMeta::V3(meta) => meta.soroban_meta.map(|meta| meta.return_value),
            TransactionMeta::V4(meta) => meta.soroban_meta.and_then(|meta| meta.return_value),
            other => panic!("{} has no return value", other.name()),
        };
        let returned = returned.unwrap_or(ScVal::Void);
        assert_eq!(rendered(&returned), row["returnValueJson"]);
        assert_eq!(decoded(&returned), documented(&row["returnValueJson"]));
    }
}

#[test]
fn every_event_decodes_in_topics_and_value() {
    let rows = rows("events.jsonl");
    assert_eq!(rows.len(), 24);
    for row in rows {
        let topics: Vec<ScVal> =
            row["event"]["topic"].as_array().expect("topics").iter().map(|topic| xdr(topic.as_str().expect("base64"))).collect();
        assert_eq!(Value::from_iter(topics.iter().map(rendered)), row["topicJson"]);
        let value: ScVal = xdr(text(&row, "/event/value"));
        assert_eq!(rendered(&value), row["valueJson"]);
        assert_eq!(decoded(&value), documented(&row["valueJson"]));
    }
}
