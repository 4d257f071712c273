//! `getLatestLedger` and `getLedgers`.

use crate::ledger::LedgerRecord;
use crate::rpc::Endpoint;
use crate::rpc::format::Format;
use crate::rpc::paging::{PageParams, Start};
use crate::rpc::protocol::{RpcError, params};
use crate::rpc::view::View;
use crate::xdr;
use serde_json::{Map, Value, json};
use stellar_xdr::{LedgerCloseMeta, LedgerHeader, LedgerHeaderHistoryEntry};

pub(crate) fn latest(endpoint: &Endpoint) -> Result<Value, RpcError> {
    let view = View::of(endpoint);
    let latest = view.latest()?;
    let mut answer = Map::new();
    answer.insert("id".to_owned(), hex::encode(latest.hash).into());
    answer.insert("protocolVersion".to_owned(), latest.header.ledger_version.into());
    answer.insert("sequence".to_owned(), latest.sequence.into());
    answer.insert("closeTime".to_owned(), latest.close_time.to_string().into());
    // Unlike in getLedgers, this is the bare header.
    Format::Base64.put::<LedgerHeader>(&mut answer, ("headerXdr", "headerJson"), &xdr::bytes(&latest.header))?;
    put_meta(&mut answer, latest, Format::Base64)?;
    Ok(Value::Object(answer))
}

pub(crate) fn ledgers(endpoint: &Endpoint, value: Value) -> Result<Value, RpcError> {
    let params: PageParams = params(value)?;
    let view = View::of(endpoint);
    let page = params.page(&view)?;
    let format = Format::parse(params.xdr_format.as_deref()).map_err(RpcError::into_invalid_request)?;
    let start = match &page.start {
        Start::Ledger(start) => *start,
        Start::Cursor(cursor) => after(cursor, &view)?,
    };
    let (oldest, latest) = (view.oldest()?, view.latest()?);
    let mut ledgers = Vec::new();
    let mut cursor = start.saturating_sub(1);
    for sequence in (start..=latest.sequence).take(page.limit) {
        if let Some(ledger) = view.ledger(sequence) {
            ledgers.push(ledger_info(ledger, format)?);
            cursor = sequence;
        }
    }
    Ok(json!({
        "ledgers": ledgers,
        "latestLedger": latest.sequence,
        "latestLedgerCloseTime": latest.close_time,
        "oldestLedger": oldest.sequence,
        "oldestLedgerCloseTime": oldest.close_time,
        "cursor": cursor.to_string(),
    }))
}

/// The ledger after a cursor.
fn after(cursor: &str, view: &View<'_>) -> Result<u32, RpcError> {
    let sequence: u32 = cursor.parse().map_err(|_| RpcError::invalid_params(format!("parsing {cursor:?}: invalid syntax")))?;
    let start = sequence.saturating_add(1);
    if !view.has(start) {
        let (oldest, latest) = view.range();
        return Err(RpcError::invalid_params(format!(
            "cursor ('{cursor}') must be between the oldest ledger: {oldest} and the latest ledger: {latest} for this rpc instance"
        )));
    }
    Ok(start)
}

fn ledger_info(ledger: &LedgerRecord, format: Format) -> Result<Value, RpcError> {
    let mut info = Map::new();
    info.insert("hash".to_owned(), hex::encode(ledger.hash).into());
    info.insert("sequence".to_owned(), ledger.sequence.into());
    info.insert("ledgerCloseTime".to_owned(), ledger.close_time.to_string().into());
    format.put::<LedgerHeaderHistoryEntry>(&mut info, ("headerXdr", "headerJson"), &xdr::bytes(&ledger.header_entry()))?;
    put_meta(&mut info, ledger, format)?;
    Ok(Value::Object(info))
}

fn put_meta(answer: &mut Map<String, Value>, ledger: &LedgerRecord, format: Format) -> Result<(), RpcError> {
    format.put::<LedgerCloseMeta>(answer, ("metadataXdr", "metadataJson"), &xdr::bytes(&ledger.close_meta()?))
}
