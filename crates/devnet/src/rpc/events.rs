//! `getEvents`: filters, cursors and the window that one call scans.

mod emitted;
mod filter;

pub use emitted::Emitted;

use crate::address;
use crate::rpc::Endpoint;
use crate::rpc::format::Format;
use crate::rpc::paging::Toid;
use crate::rpc::protocol::{RpcError, params};
use crate::rpc::view::View;
use crate::xdr;
use filter::Filter;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use stellar_xdr::{ContractEvent, ContractEventBody, ContractEventType};

/// Most events on a page.
const MAX_PAGE: usize = 10_000;
const DEFAULT_PAGE: usize = 100;
/// Most ledgers that one call scans.
const SCAN_LEDGERS: u32 = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Params {
    #[serde(default)]
    start_ledger: u32,
    #[serde(default)]
    end_ledger: u32,
    filters: Option<Vec<Filter>>,
    pagination: Option<Pagination>,
    xdr_format: Option<String>,
}

#[derive(Deserialize)]
struct Pagination {
    cursor: Option<String>,
    #[serde(default)]
    limit: usize,
}

/// The place of an event: a total order, and its id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cursor {
    at: Toid,
    event: u32,
}

pub(crate) fn events(endpoint: &Endpoint, value: Value) -> Result<Value, RpcError> {
    let params: Params = params(value)?;
    let format = Format::parse(params.xdr_format.as_deref())?;
    let cursor = params.cursor()?;
    let limit = params.limit(cursor.is_some())?;
    let filters = params.filters.unwrap_or_default();
    filter::check(&filters)?;
    let view = View::of(endpoint);
    let (oldest, latest) = view.range();
    let start = cursor.map_or(params.start_ledger, |cursor| cursor.at.ledger);
    if !view.has(start) {
        return Err(RpcError::invalid_request(format!("startLedger must be within the ledger range: {oldest} - {latest}")));
    }
    // Exclusive, like the parameter.
    let mut end = start.saturating_add(SCAN_LEDGERS).min(latest + 1);
    if params.end_ledger != 0 {
        end = end.min(params.end_ledger);
    }
    let mut found = Vec::new();
    let mut last = None;
    'ledgers: for ledger in (start..end).filter_map(|sequence| view.ledger(sequence)) {
        for (tx_index, tx) in ledger.transactions.iter().enumerate() {
            for (event_index, event) in tx.events.iter().enumerate() {
                let place = Cursor {
                    at: Toid { ledger: ledger.sequence, transaction: tx_index as u32 + 1, operation: 0 },
                    event: event_index as u32,
                };
                if cursor.is_some_and(|cursor| place <= cursor) {
                    continue;
                }
                if !filters.is_empty() && !filters.iter().any(|f| f.matches(event)) {
                    continue;
                }
                found.push(info(event, place, ledger.close_time, &tx.hash, format)?);
                last = Some(place);
                if found.len() >= limit {
                    break 'ledgers;
                }
            }
        }
    }
    let next = match last {
        Some(last) if found.len() >= limit => last,
        _ => Cursor::end_of(end.saturating_sub(1)),
    };
    Ok(json!({
        "events": found,
        "cursor": next.text(),
        "latestLedger": latest,
        "oldestLedger": oldest,
        "latestLedgerCloseTime": view.latest()?.close_time.to_string(),
        "oldestLedgerCloseTime": view.oldest()?.close_time.to_string(),
    }))
}

// === impl Params ===

impl Params {
    fn cursor(&self) -> Result<Option<Cursor>, RpcError> {
        self.pagination
            .as_ref()
            .and_then(|p| p.cursor.as_deref())
            .map(|text| Cursor::parse(text).ok_or_else(|| RpcError::invalid_params(format!("invalid event id {text}"))))
            .transpose()
    }

    fn limit(&self, has_cursor: bool) -> Result<usize, RpcError> {
        if has_cursor && (self.start_ledger != 0 || self.end_ledger != 0) {
            return Err(RpcError::invalid_params("ledger ranges and cursor cannot both be set"));
        }
        if !has_cursor && self.start_ledger == 0 {
            return Err(RpcError::invalid_params("startLedger must be positive"));
        }
        match self.pagination.as_ref().map_or(0, |p| p.limit) {
            0 => Ok(DEFAULT_PAGE),
            limit if limit > MAX_PAGE => Err(RpcError::invalid_params(format!("limit must not exceed {MAX_PAGE}"))),
            limit => Ok(limit),
        }
    }
}

// === impl Cursor ===

impl Cursor {
    /// After everything that `ledger` could hold.
    fn end_of(ledger: u32) -> Self {
        Self { at: Toid { ledger, transaction: Toid::MAX_TRANSACTION, operation: Toid::MAX_OPERATION }, event: u32::MAX }
    }

    fn text(self) -> String {
        format!("{:019}-{:010}", self.at.to_u64(), self.event)
    }

    fn parse(text: &str) -> Option<Self> {
        let (id, event) = text.split_once('-')?;
        Some(Self { at: Toid::from_u64(id.parse().ok()?), event: event.parse().ok()? })
    }
}

fn info(event: &ContractEvent, place: Cursor, close_time: u64, hash: &[u8; 32], format: Format) -> Result<Value, RpcError> {
    let ContractEventBody::V0(body) = &event.body;
    let mut info = Map::new();
    info.insert("type".to_owned(), type_name(event.type_).into());
    info.insert("ledger".to_owned(), place.at.ledger.into());
    info.insert("ledgerClosedAt".to_owned(), rfc3339(close_time).into());
    let contract = event.contract_id.as_ref().map(|id| address::contract_strkey(&id.0.0));
    info.insert("contractId".to_owned(), contract.unwrap_or_default().into());
    info.insert("id".to_owned(), place.text().into());
    info.insert("operationIndex".to_owned(), place.at.operation.into());
    info.insert("transactionIndex".to_owned(), place.at.transaction.into());
    info.insert("txHash".to_owned(), hex::encode(hash).into());
    info.insert("inSuccessfulContractCall".to_owned(), true.into());
    match format {
        Format::Base64 => {
            let topics: Vec<String> = body.topics.iter().map(xdr::to_base64).collect();
            info.insert("topic".to_owned(), topics.into());
            info.insert("value".to_owned(), xdr::to_base64(&body.data).into());
        }
        Format::Json => {
            let json = |value: Result<Value, serde_json::Error>| value.map_err(|error| RpcError::internal(error.to_string()));
            info.insert("topicJson".to_owned(), json(serde_json::to_value(&body.topics))?);
            info.insert("valueJson".to_owned(), json(serde_json::to_value(&body.data))?);
        }
    }
    Ok(Value::Object(info))
}

fn type_name(type_: ContractEventType) -> &'static str {
    match type_ {
        ContractEventType::System => "system",
        ContractEventType::Contract => "contract",
        ContractEventType::Diagnostic => "diagnostic",
    }
}

/// Unix seconds as `2025-10-09T08:53:20Z`.
fn rfc3339(seconds: u64) -> String {
    const DAY_SECS: u64 = 86_400;
    let (year, month, day) = civil(seconds / DAY_SECS);
    let time = seconds % DAY_SECS;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3_600, time / 60 % 60, time % 60)
}

/// The date of a day since 1970 in the Gregorian calendar, by counting from
/// 0000-03-01, so that leap days come last in a year.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468;
    const ERA_DAYS: u64 = 146_097;
    let days = days + DAYS_TO_1970;
    let (era, day) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (day - day / 1_460 + day / 36_524 - day / (ERA_DAYS - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let date = day - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year + u64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::{Cursor, rfc3339};

    #[test]
    fn close_times_are_calendar_dates() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_760_000_000), "2025-10-09T08:53:20Z");
    }

    #[test]
    fn a_cursor_survives_its_text() {
        let end = Cursor::end_of(1_234);
        assert_eq!(end.text().len(), 30);
        assert!(Cursor::parse(&end.text()) == Some(end));
    }
}
