//! The readers of each method's answer, for random input. Each asserts what its callers rely on.

use std::collections::HashSet;

use serde_json::Value;

use super::events::{self, Asked, Place};
use super::{CONTRACTS_PER_CALL_MAX, EventsFrom, entries, envelope, health, network, simulate, transaction};

/// Who is said to have answered.
const ENDPOINT: &str = "rpc.example.org:443";

/// A whole response, before anybody knows what it answers.
pub(crate) fn response(body: &[u8], id: u64) {
    let _ = envelope::open(body, id);
}

pub(crate) fn entries(mut answer: Value, asked: &HashSet<&[u8]>) {
    if let Ok(answered) = entries::read(&mut answer, asked) {
        for (key, found) in &answered.found {
            assert!(asked.contains(key.as_slice()), "nobody asked for it");
            assert!(found.as_ref().map_or(true, |found| found.last_modified <= answered.ledger), "it is not of the future");
        }
    }
}

pub(crate) fn events(answer: &Value, contracts: &[String], from: &EventsFrom, limit: usize) {
    if contracts.is_empty() || contracts.len() > CONTRACTS_PER_CALL_MAX || limit == 0 {
        return;
    }
    let Ok(page) = events::read(answer, &Asked { contracts, from, limit }, ENDPOINT) else { return };
    let first = match from {
        EventsFrom::Ledger { start, .. } => *start,
        EventsFrom::Cursor(cursor) => Place::parse(cursor).expect("the reader took it").ledger(),
    };
    assert!(page.next_ledger >= first, "it never goes back");
    assert!(page.next_ledger <= page.latest_ledger.saturating_add(1).max(first), "nor past the newest ledger");
    assert!(page.events.len() <= limit && page.events.is_sorted_by(|a, b| a.id < b.id), "in the order on chain, each once");
    for event in &page.events {
        assert!(event.ledger <= page.latest_ledger && contracts.contains(&event.contract), "of what was asked for");
        assert!(event.ledger >= first, "not of before");
    }
    assert!(Place::parse(&page.cursor).is_some(), "and what comes next can be asked for");
}

pub(crate) fn transaction(answer: &Value, hash: &str) {
    let Ok(hash) = transaction::canonical(hash) else { return };
    if let Ok(reading) = transaction::read(answer, &hash, ENDPOINT) {
        let is_found = reading.result_xdr.is_some();
        assert_eq!(is_found, !reading.values.is_empty(), "values are of a transaction in a ledger");
        let _ = reading.effects();
    }
}

pub(crate) fn simulation(answer: &Value) {
    let _ = simulate::read(answer);
}

pub(crate) fn health(answer: &Value) {
    let _ = health::read(answer);
}

pub(crate) fn network(answer: &Value) {
    let _ = network::read(answer);
}
