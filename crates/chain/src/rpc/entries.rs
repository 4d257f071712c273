//! `getLedgerEntries`: one call, and what its response says of each key that was asked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Method, Retry, Rpc, field};
use crate::batch::Key;
use crate::values::{entry_from_xdr, key_bytes, ledger_key_of, running};
use crate::{Entry, ReadError, Running};

/// An entry as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) entry: Arc<Entry>,
    pub(crate) last_modified: u32,
    pub(crate) archived: bool,
    /// Of a contract's instance: what it runs.
    pub(crate) runs: Option<Running>,
}

/// A whole response. All of it is as of one ledger.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) ledger: u32,
    /// By the key's XDR: the entry, or what is wrong with it. What is not here is absent.
    pub(crate) found: HashMap<Vec<u8>, Result<Found, String>>,
}

impl Rpc {
    /// Reads these keys, which must be distinct and no more than the server takes.
    pub(crate) async fn entries(&self, keys: &[Key], retry: Retry) -> Result<Answered, ReadError> {
        let method = Method::GetLedgerEntries;
        let texts: Vec<&str> = keys.iter().map(Key::base64).collect();
        let mut answer = self.call(method, Some(&json!({ "keys": texts })), retry).await?;
        let asked = keys.iter().map(Key::bytes).collect();
        read(&mut answer, &asked).map_err(|what| self.garbage(method, &what))
    }
}

pub(super) fn read(answer: &mut Value, asked: &HashSet<&[u8]>) -> Result<Answered, String> {
    let ledger = field::ledger(answer, "latestLedger")?;
    let items = match answer.get_mut("entries").map(Value::take) {
        Some(Value::Array(items)) => items,
        // The server's language writes an empty list as null.
        Some(Value::Null) => Vec::new(),
        Some(_) => return Err("`entries` is no list".to_owned()),
        None => return Err("`entries` is missing".to_owned()),
    };
    let mut answered = Answered { ledger, found: HashMap::with_capacity(items.len()) };
    let mut misplaced = Vec::new();
    let mut unasked = 0_usize;
    for item in &items {
        let published = item.get("key").and_then(Value::as_str).and_then(|key| BASE64.decode(key).ok());
        // An entry's key is the one within it. What the server writes beside it only says whose answer is spoilt.
        let (key, outcome) = match open(item, ledger) {
            Ok((key, outcome)) => {
                misplaced.extend(published.filter(|published| *published != key));
                (key, outcome)
            }
            Err(what) => match published {
                Some(published) => (published, Err(what)),
                None => {
                    unasked += 1;
                    continue;
                }
            },
        };
        if asked.contains(key.as_slice()) {
            merge(&mut answered.found, key, outcome);
        } else {
            unasked += 1;
        }
    }
    for key in misplaced.into_iter().filter(|key| asked.contains(key.as_slice())) {
        answered.found.entry(key).or_insert_with(|| Err("it is published under this key but belongs to another".to_owned()));
    }
    if unasked > 0 {
        tracing::warn!(unasked, "the RPC answered entries that nobody asked for; they are ignored");
    }
    Ok(answered)
}

/// Opens one item: the key of the entry within it, and the entry.
fn open(item: &Value, ledger: u32) -> Result<(Vec<u8>, Result<Found, String>), String> {
    let xdr = field::text(item, "xdr")?;
    let data = entry_from_xdr(xdr)?;
    let key = key_bytes(&ledger_key_of(&data)).map_err(|error| error.to_string())?;
    let found = move || {
        let last_modified = field::ledger(item, "lastModifiedLedgerSeq")?;
        if last_modified > ledger {
            return Err(format!("it was last modified in ledger {last_modified}, after the ledger {ledger} that was read"));
        }
        let archived = match item.get("liveUntilLedgerSeq") {
            None | Some(Value::Null) => false,
            Some(_) => field::ledger(item, "liveUntilLedgerSeq")? < ledger,
        };
        let runs = running(&data);
        Ok(Found { entry: Arc::new(Entry { data, xdr: xdr.to_owned() }), last_modified, archived, runs })
    };
    Ok((key, found()))
}

/// The same entry twice is one; two different ones under a key are none.
fn merge(found: &mut HashMap<Vec<u8>, Result<Found, String>>, key: Vec<u8>, outcome: Result<Found, String>) {
    match found.get_mut(&key) {
        None => {
            found.insert(key, outcome);
        }
        Some(earlier) if *earlier == outcome => {}
        Some(earlier) => *earlier = Err("it was answered twice in one response, differently".to_owned()),
    }
}
