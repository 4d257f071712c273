//! `getTransaction` and `getTransactions`.

use crate::ledger::{LedgerRecord, TxRecord};
use crate::rpc::Endpoint;
use crate::rpc::format::Format;
use crate::rpc::paging::{PageParams, Start, Toid};
use crate::rpc::protocol::{RpcError, params};
use crate::rpc::view::View;
use crate::xdr;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stellar_xdr::{TransactionEnvelope, TransactionMeta, TransactionResult};

const HASH_BYTES: usize = 32;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    #[serde(default)]
    hash: String,
    xdr_format: Option<String>,
}

pub(crate) fn transaction(endpoint: &Endpoint, value: Value) -> Result<Value, RpcError> {
    let params: Params = params(value)?;
    let format = Format::parse(params.xdr_format.as_deref())?;
    if params.hash.len() / 2 != HASH_BYTES {
        return Err(RpcError::invalid_params(format!("unexpected hash length ({})", params.hash.len())));
    }
    let mut hash = [0; HASH_BYTES];
    hex::decode_to_slice(&params.hash, &mut hash).map_err(|error| RpcError::invalid_params(format!("incorrect hash: {error}")))?;
    let view = View::of(endpoint);
    let (latest, oldest) = (view.latest()?, view.oldest()?);
    let mut answer = match view.transaction(&hash) {
        Some((ledger, index)) => {
            let mut details = details(ledger, index, format)?;
            details.insert("createdAt".to_owned(), ledger.close_time.to_string().into());
            details
        }
        None => {
            let mut details = Map::new();
            details.insert("status".to_owned(), "NOT_FOUND".into());
            details.insert("applicationOrder".to_owned(), 0.into());
            details.insert("feeBump".to_owned(), false.into());
            details.insert("events".to_owned(), json!({}));
            details.insert("ledger".to_owned(), 0.into());
            details.insert("createdAt".to_owned(), "0".into());
            details
        }
    };
    answer.insert("txHash".to_owned(), params.hash.into());
    answer.insert("latestLedger".to_owned(), latest.sequence.into());
    answer.insert("latestLedgerCloseTime".to_owned(), latest.close_time.to_string().into());
    answer.insert("oldestLedger".to_owned(), oldest.sequence.into());
    answer.insert("oldestLedgerCloseTime".to_owned(), oldest.close_time.to_string().into());
    Ok(Value::Object(answer))
}

pub(crate) fn transactions(endpoint: &Endpoint, value: Value) -> Result<Value, RpcError> {
    let params: PageParams = params(value)?;
    let view = View::of(endpoint);
    let page = params.page(&view)?;
    let format = Format::parse(params.xdr_format.as_deref()).map_err(RpcError::into_invalid_request)?;
    let start = match &page.start {
        Start::Ledger(ledger) => Toid { ledger: *ledger, transaction: 1, operation: 1 },
        Start::Cursor(cursor) => after(cursor)?,
    };
    let (oldest, latest) = (view.oldest()?, view.latest()?);
    let mut found = Vec::new();
    let mut cursor = Toid::from_u64(0);
    'ledgers: for sequence in start.ledger..=latest.sequence {
        let ledger = view
            .ledger(sequence)
            .ok_or_else(|| RpcError::invalid_params(format!("database does not contain metadata for ledger: {sequence}")))?;
        cursor = Toid { ledger: sequence, transaction: 0, operation: 1 };
        let first = if sequence == start.ledger { start.transaction.max(1) } else { 1 };
        for (index, tx) in ledger.transactions.iter().enumerate().skip(first as usize - 1) {
            cursor.transaction = index as u32 + 1;
            let mut details = details(ledger, index, format)?;
            details.insert("txHash".to_owned(), hex::encode(tx.hash).into());
            details.insert("createdAt".to_owned(), ledger.close_time.into());
            found.push(Value::Object(details));
            if found.len() >= page.limit {
                break 'ledgers;
            }
        }
    }
    Ok(json!({
        "transactions": found,
        "latestLedger": latest.sequence,
        "latestLedgerCloseTimestamp": latest.close_time,
        "oldestLedger": oldest.sequence,
        "oldestLedgerCloseTimestamp": oldest.close_time,
        "cursor": cursor.to_u64().to_string(),
    }))
}

/// The place after a cursor.
fn after(cursor: &str) -> Result<Toid, RpcError> {
    let id: u64 = cursor.parse().map_err(|_| RpcError::invalid_params(format!("parsing {cursor:?}: invalid syntax")))?;
    let mut start = Toid::from_u64(id);
    start.transaction += 1;
    Ok(start)
}

/// What both methods say of a transaction.
fn details(ledger: &LedgerRecord, index: usize, format: Format) -> Result<Map<String, Value>, RpcError> {
    let tx = &ledger.transactions[index];
    let status = if tx.succeeded { "SUCCESS" } else { "FAILED" };
    let mut details = Map::new();
    details.insert("status".to_owned(), status.into());
    details.insert("applicationOrder".to_owned(), (index + 1).into());
    details.insert("feeBump".to_owned(), tx.fee_bump.into());
    details.insert("ledger".to_owned(), ledger.sequence.into());
    format.put::<TransactionEnvelope>(&mut details, ("envelopeXdr", "envelopeJson"), &tx.envelope)?;
    format.put::<TransactionResult>(&mut details, ("resultXdr", "resultJson"), &tx.result)?;
    format.put::<TransactionMeta>(&mut details, ("resultMetaXdr", "resultMetaJson"), &tx.meta)?;
    details.insert("events".to_owned(), events(tx, format)?);
    Ok(details)
}

/// The events by operation; only contract calls emit any here.
fn events(tx: &TxRecord, format: Format) -> Result<Value, RpcError> {
    if tx.events.is_empty() {
        return Ok(json!({}));
    }
    Ok(match format {
        Format::Base64 => {
            let events: Vec<String> = tx.events.iter().map(xdr::to_base64).collect();
            json!({ "contractEventsXdr": [events] })
        }
        Format::Json => {
            let events = serde_json::to_value(&tx.events).map_err(|error| RpcError::internal(error.to_string()))?;
            json!({ "contractEventsJson": [events] })
        }
    })
}
