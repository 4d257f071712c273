//! `load` and `dump`.

use crate::client::{base64, world};
use serde_json::json;
use trueup_devnet::{Config, Devnet, Error};

/// A mainnet entry (stellar/stellar-etl, testdata/changes/contract_data.golden),
/// with fields that a snapshot ignores.
const MAINNET: &str = r#"{"source":"stellar/stellar-etl","deleted":false,"lastModifiedLedgerSeq":51340657,"key":"AAAABgAAAAFykbOCjZiGHQO6M0J+wd5A7xVC21CtYnvu99LqZ1SPEwAAABAAAAABAAAAAgAAAA8AAAAFVG9rZW4AAAAAAAADAAABHwAAAAE=","xdr":"AAAABgAAAAAAAAABcpGzgo2Yhh0DujNCfsHeQO8VQttQrWJ77vfS6mdUjxMAAAAQAAAAAQAAAAIAAAAPAAAABVRva2VuAAAAAAAAAwAAAR8AAAABAAAAEQAAAAEAAAADAAAADwAAAAlhcHByb3ZhbHMAAAAAAAARAAAAAQAAAAAAAAAPAAAABW93bmVyAAAAAAAAEgAAAAAAAAAAE3VsobCaD0Q6nLJNp+8bjZBmMchi+5I56d6OJnAmRZcAAAAPAAAACXRva2VuX3VyaQAAAAAAAA4AAABLaXBmczovL2JhZnliZWlkbjdqcGFkZGJwYmc0Nm16cnMzZWtsNWIydzZoNnI3b3JwN2R3NHo2cjd2NnhycDNldWRlLzI4Ny5qc29uAA=="}"#;

#[tokio::test]
async fn a_mainnet_entry_is_served_at_a_ledger_above_it() {
    let world = world().await;
    assert_eq!(world.devnet.load(MAINNET.as_bytes()).expect("loaded"), 1);
    assert!(world.devnet.latest().sequence > 51_340_657);
    let line: serde_json::Value = serde_json::from_str(MAINNET).expect("JSON");
    let answer = world.result("getLedgerEntries", json!({ "keys": [line["key"]] })).await;
    assert_eq!(answer["entries"][0]["xdr"], line["xdr"]);
    assert_eq!(answer["entries"][0]["lastModifiedLedgerSeq"], 51_340_657);
    assert!(answer["entries"][0].get("liveUntilLedgerSeq").is_none());
    let health = world.result("getHealth", json!({})).await;
    assert_eq!(health["latestLedger"], health["oldestLedger"]);
}

#[tokio::test]
async fn what_is_dumped_loads_to_the_same_and_runs_on() {
    let world = world().await;
    let id = world.create_loan(1, 10);
    let mut dump = Vec::new();
    let count = world.devnet.dump(&mut dump).expect("written");
    assert_eq!(count, world.devnet.entry_count());
    let other = Devnet::new(Config::default());
    assert_eq!(other.load(dump.as_slice()).expect("loaded"), count);
    let mut again = Vec::new();
    other.dump(&mut again).expect("written");
    assert_eq!(dump, again);
    let key = world.loan_key(id);
    assert_eq!(other.entry(&key), world.devnet.entry(&key));
    let call = world.loan_call(1, 20);
    let next = other.invoke(&call.source, &call.contract, &call.function, call.args).expect("made");
    assert_eq!(next.return_value, Some(stellar_xdr::ScVal::U64(id + 1)));
}

#[tokio::test]
async fn every_sort_of_bad_line_is_named() {
    let world = world().await;
    let good: serde_json::Value = serde_json::from_str(MAINNET).expect("JSON");
    let with = |field: &str, value: serde_json::Value| {
        let mut line = good.clone();
        line[field] = value;
        line.to_string()
    };
    let other_key = base64(&world.loan_key(1));
    for (line, expected) in [
        ("{".to_owned(), "expected an object"),
        (r#"{"key":"AAAA"}"#.to_owned(), "missing field"),
        (with("key", json!("%%")), "key is not base64"),
        (with("xdr", json!("%%")), "xdr is not base64"),
        (with("key", json!("AAAA")), "not the XDR of a LedgerKey"),
        (with("lastModifiedLedgerSeq", json!(u32::MAX)), "past the highest ledger"),
        (with("xdr", json!("AAAA")), "not the XDR of a LedgerEntryData"),
        (with("key", json!(other_key)), "not the key of the entry"),
    ] {
        let before = world.devnet.entry_count();
        let text = format!("{MAINNET}\n\n{line}\n");
        match world.devnet.load(text.as_bytes()) {
            Err(Error::Snapshot { line: 3, reason }) => {
                assert!(reason.contains(expected), "{reason}");
            }
            other => panic!("{expected}: {other:?}"),
        }
        assert_eq!(world.devnet.entry_count(), before);
    }
}
