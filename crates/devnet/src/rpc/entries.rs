//! `getLedgerEntries`.

use crate::rpc::Endpoint;
use crate::rpc::format::Format;
use crate::rpc::protocol::{RpcError, params};
use crate::rpc::view::View;
use crate::xdr;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use stellar_xdr::{LedgerEntryData, LedgerEntryExt, LedgerKey};

const MAX_KEYS: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    #[serde(default)]
    keys: Vec<String>,
    xdr_format: Option<String>,
}

pub(crate) fn entries(endpoint: &Endpoint, value: Value) -> Result<Value, RpcError> {
    let params: Params = params(value)?;
    let format = Format::parse(params.xdr_format.as_deref())?;
    let view = View::of(endpoint);
    let max_keys = view.faults.max_keys.unwrap_or(MAX_KEYS).min(MAX_KEYS);
    if params.keys.len() > max_keys {
        return Err(RpcError::invalid_params(format!("key count ({}) exceeds maximum supported ({max_keys})", params.keys.len())));
    }
    let keys = keys(&params.keys)?;
    let mut found = Vec::with_capacity(keys.len());
    for key in &keys {
        let Some(shown) = view.entry(key) else {
            continue;
        };
        let mut entry = Map::new();
        format.put::<LedgerKey>(&mut entry, ("key", "keyJson"), &xdr::bytes(key))?;
        format.put::<LedgerEntryData>(&mut entry, ("xdr", "dataJson"), &shown.data)?;
        format.put::<LedgerEntryExt>(&mut entry, ("extXdr", "extJson"), &xdr::bytes(&LedgerEntryExt::V0))?;
        entry.insert("lastModifiedLedgerSeq".to_owned(), shown.last_modified.into());
        if let Some(live_until) = shown.live_until {
            entry.insert("liveUntilLedgerSeq".to_owned(), live_until.into());
        }
        found.push(Value::Object(entry));
    }
    Ok(json!({ "entries": found, "latestLedger": view.range().1 }))
}

fn keys(texts: &[String]) -> Result<Vec<LedgerKey>, RpcError> {
    let mut keys = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let key = xdr::from_base64(text)
            .ok()
            .and_then(|bytes| xdr::read::<LedgerKey>(&bytes).ok())
            .ok_or_else(|| RpcError::invalid_params(format!("cannot unmarshal key value {text} at index {index}")))?;
        if matches!(key, LedgerKey::Ttl(_)) {
            return Err(RpcError::invalid_params("ledger ttl entries cannot be queried directly"));
        }
        keys.push(key);
    }
    // The server hands the keys to stellar-core, which refuses duplicates.
    let distinct: HashSet<&LedgerKey> = keys.iter().collect();
    if distinct.len() != keys.len() {
        return Err(RpcError::internal("could not query captive core: getledgerentry failed: duplicate keys"));
    }
    Ok(keys)
}
