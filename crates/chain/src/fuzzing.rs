//! What turns text from outside into values and readings, callable with any input. Built with the feature `fuzzing`
//! alone; the targets are in `fuzz/`. Nothing here may panic, whatever the input: an assertion that fails is a find.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::Value;
use stellar_xdr::LedgerEntryData;

use crate::archive::read_record;
use crate::rpc::fuzzing as rpc;
use crate::values::{entry_from_xdr, key_bytes, running};
use crate::{CONTRACTS_PER_CALL_MAX, EVENTS_PER_PAGE_MAX, EventsFrom, ledger_key_of, transaction_facts};

/// A network, for the hashes of envelopes.
pub const PASSPHRASE: &str = "Test SDF Network ; September 2015";
/// A hash that answers which name none are asked about.
const NO_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// An entry from base64, and what every entry is asked besides its values. None for what is no entry.
#[must_use]
pub fn entry(base64: &str) -> Option<LedgerEntryData> {
    let entry = entry_from_xdr(base64).ok()?;
    assert!(key_bytes(&ledger_key_of(&entry)).is_ok(), "an entry that could be read has a key");
    let _ = running(&entry);
    Some(entry)
}

/// A whole HTTP body, as the answer to request 1.
pub fn response(body: &[u8]) {
    rpc::response(body, 1);
}

/// `getLedgerEntries`, asked for the keys that the answer says it has, but for the last.
pub fn entries(answer: Value) {
    let items = answer.get("entries").and_then(Value::as_array);
    let keys: Vec<Vec<u8>> = items
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("key").and_then(Value::as_str))
        .filter_map(|key| BASE64.decode(key).ok())
        .collect();
    let asked: HashSet<&[u8]> = keys.iter().take(keys.len().max(2) - 1).map(Vec::as_slice).collect();
    rpc::entries(answer, &asked);
}

/// `getEvents`, asked for the contracts that the answer names: from a ledger, and from the cursor that it gives.
pub fn events(answer: &Value) {
    let items = answer.get("events").and_then(Value::as_array);
    let named = items.into_iter().flatten().filter_map(|item| item.get("contractId").and_then(Value::as_str));
    let contracts: Vec<String> = named.take(CONTRACTS_PER_CALL_MAX).map(str::to_owned).collect();
    rpc::events(answer, &contracts, &EventsFrom::Ledger { start: 2, end: u32::MAX }, EVENTS_PER_PAGE_MAX);
    rpc::events(answer, &contracts, &EventsFrom::Ledger { start: 2, end: u32::MAX }, contracts.len());
    if let Some(cursor) = answer.get("cursor").and_then(Value::as_str) {
        rpc::events(answer, &contracts, &EventsFrom::Cursor(cursor.to_owned()), EVENTS_PER_PAGE_MAX);
    }
}

/// `getTransaction`, asked for the hash that the answer names, or for another.
pub fn transaction(answer: &Value) {
    rpc::transaction(answer, answer.get("txHash").and_then(Value::as_str).unwrap_or(NO_HASH));
    rpc::transaction(answer, NO_HASH);
}

/// `simulateTransaction`.
pub fn simulation(answer: &Value) {
    rpc::simulation(answer);
}

/// `getHealth` and `getNetwork`.
pub fn standing(answer: &Value) {
    rpc::health(answer);
    rpc::network(answer);
}

/// A record of Horizon, asked for by its envelope's hash.
pub fn record(record: &Value) {
    let envelope = record.get("envelope_xdr").and_then(Value::as_str).unwrap_or_default();
    let hash = transaction_facts(envelope, PASSPHRASE).map_or_else(|_| NO_HASH.to_owned(), |facts| facts.hash);
    if let Ok(reading) = read_record(record, &hash, PASSPHRASE, "horizon.example.org:443") {
        assert!(reading.result_xdr.is_some(), "a record is of a transaction in a ledger");
        let _ = reading.effects();
    }
}

/// An envelope, as an application's column may hold it.
pub fn envelope(text: &str) {
    if let Ok(facts) = transaction_facts(text, PASSPHRASE) {
        assert!(facts.is_of(&facts.hash), "it is of its own hash");
    }
}
