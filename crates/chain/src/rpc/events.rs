//! `getEvents`: a page of what contracts emitted, and how far it proves that there is nothing else.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Method, Retry, Rpc, field};
use crate::values::{EventBody, event_body};
use crate::{Event, ReadError};

/// The most events on a page (stellar-rpc: `max-events-limit`).
pub const EVENTS_PER_PAGE_MAX: usize = 10_000;
/// The most contracts in one filter (stellar-rpc: `MaxContractIDsLimit`).
const CONTRACTS_PER_FILTER: usize = 5;
/// The most filters in one request (stellar-rpc: `MaxFiltersLimit`).
const FILTERS_PER_CALL: usize = 5;
/// The most contracts that one call asks about.
pub const CONTRACTS_PER_CALL_MAX: usize = CONTRACTS_PER_FILTER * FILTERS_PER_CALL;
/// The most topics of an event (a limit of the protocol).
const TOPICS_MAX: usize = 4;
/// The hex digits of a transaction hash.
const HASH_DIGITS: usize = 64;
/// What follows the ledger in the number of a cursor: transaction and operation (SEP-35).
const LEDGER_SHIFT: u32 = 32;

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventsFrom {
    /// With this ledger's first event, and it ends before ledger `end`.
    Ledger {
        /// The ledger.
        start: u32,
        /// Not included.
        end: u32,
    },
    /// Where another page ended.
    Cursor(String),
}

/// A page of events, all as one response gave them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The endpoint that answered, as host and port.
    pub endpoint: String,
    /// The events, in the order on chain.
    pub events: Vec<Event>,
    /// With the pages before it, it proves all events of the ledgers before this one. Never past the endpoint's newest
    /// ledger, and in the middle of a ledger not past its beginning.
    pub next_ledger: u32,
    /// Where the next page begins.
    pub cursor: String,
    /// The endpoint's newest ledger.
    pub latest_ledger: u32,
    /// When that closed, if the endpoint says so.
    pub latest_close_time: Option<DateTime<Utc>>,
}

/// A place among the events, as ids and cursors name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Ledger, transaction and operation.
    number: u64,
    event: u32,
}

impl Rpc {
    /// Reads a page.
    pub(crate) async fn events(&self, contracts: &[String], from: &EventsFrom, limit: usize) -> Result<EventPage, ReadError> {
        assert!((1..=CONTRACTS_PER_CALL_MAX).contains(&contracts.len()), "{} contracts fit no call", contracts.len());
        assert!((1..=EVENTS_PER_PAGE_MAX).contains(&limit), "{limit} events fit no page");
        let method = Method::GetEvents;
        let answer = self.call(method, Some(&params(contracts, from, limit)), Retry::Few).await?;
        let asked = Asked { contracts, from, limit };
        read(&answer, &asked, self.endpoint()).map_err(|what| self.garbage(method, &what))
    }
}

fn params(contracts: &[String], from: &EventsFrom, limit: usize) -> Value {
    let filters: Vec<Value> =
        contracts.chunks(CONTRACTS_PER_FILTER).map(|contracts| json!({ "type": "contract", "contractIds": contracts })).collect();
    match from {
        EventsFrom::Ledger { start, end } => {
            json!({ "startLedger": start, "endLedger": end, "filters": filters, "pagination": { "limit": limit } })
        }
        EventsFrom::Cursor(cursor) => json!({ "filters": filters, "pagination": { "cursor": cursor, "limit": limit } }),
    }
}

pub(super) struct Asked<'a> {
    pub(super) contracts: &'a [String],
    pub(super) from: &'a EventsFrom,
    pub(super) limit: usize,
}

pub(super) fn read(answer: &Value, asked: &Asked<'_>, endpoint: &str) -> Result<EventPage, String> {
    let latest_ledger = field::ledger(answer, "latestLedger")?;
    let items = match answer.get("events") {
        Some(Value::Array(items)) => items.as_slice(),
        // The server's language writes an empty list as null.
        Some(Value::Null) => &[],
        Some(_) => return Err("`events` is no list".to_owned()),
        None => return Err("`events` is missing".to_owned()),
    };
    if items.len() > asked.limit {
        return Err(format!("{} events on a page of at most {}", items.len(), asked.limit));
    }
    let cursor = field::text(answer, "cursor").map_err(|what| format!("{what} (servers before version 22 do not send it)"))?;
    let cursor_place = Place::parse(cursor).ok_or_else(|| format!("`cursor` is {}", shortened(cursor)))?;
    let (first, mut last) = match asked.from {
        EventsFrom::Ledger { start, .. } => (*start, None),
        EventsFrom::Cursor(text) => {
            let place = Place::parse(text).ok_or_else(|| format!("the cursor {} is none", shortened(text)))?;
            (place.ledger(), Some(place))
        }
    };
    let mut events = Vec::with_capacity(items.len());
    for item in items {
        let (event, place) = event(item)?;
        if last.is_some_and(|last| place <= last) {
            return Err(format!("event {} is out of order", event.id));
        }
        if !(first..=latest_ledger).contains(&event.ledger) {
            return Err(format!("event {} is not within the ledgers {first} to {latest_ledger}", event.id));
        }
        if !asked.contracts.contains(&event.contract) {
            return Err(format!("event {} is of contract {}, which nobody asked for", event.id, event.contract));
        }
        last = Some(place);
        events.push(event);
    }
    if last.is_some_and(|last| cursor_place < last) {
        return Err(format!("`cursor` is {cursor}, before the last event"));
    }
    // A full page ends at its last event, and that event's ledger may hold more. Another one says how far it looked.
    let proven = if events.len() == asked.limit { last.map_or(first, Place::ledger) } else { cursor_place.ledgers_before() };
    Ok(EventPage {
        endpoint: endpoint.to_owned(),
        next_ledger: proven.min(latest_ledger.saturating_add(1)).max(first),
        cursor: cursor.to_owned(),
        latest_ledger,
        latest_close_time: field::seconds(answer, "latestLedgerCloseTime").ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        events,
    })
}

fn event(item: &Value) -> Result<(Event, Place), String> {
    let id = field::text(item, "id")?;
    let place = Place::parse(id).ok_or_else(|| format!("`id` is {}", shortened(id)))?;
    let of_event = |what: String| format!("event {id}: {what}");
    let ledger = field::ledger(item, "ledger").map_err(of_event)?;
    if ledger != place.ledger() {
        return Err(format!("event {id} is not of ledger {ledger}"));
    }
    let time = field::text(item, "ledgerClosedAt").map_err(of_event)?;
    let closed_at = DateTime::parse_from_rfc3339(time).map_err(|error| format!("event {id}: `ledgerClosedAt`: {error}"))?.to_utc();
    let transaction = field::text(item, "txHash").map_err(of_event)?.to_ascii_lowercase();
    if transaction.len() != HASH_DIGITS || !transaction.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("event {id}: `txHash` is {}", shortened(&transaction)));
    }
    let topics = match item.get("topic") {
        Some(Value::Array(topics)) => topics.iter().map(|topic| topic.as_str().map(str::to_owned)).collect(),
        Some(Value::Null) | None => Some(Vec::new()),
        Some(_) => None,
    };
    let topics: Vec<String> = topics.ok_or_else(|| format!("event {id}: `topic` is no list of texts"))?;
    if topics.len() > TOPICS_MAX {
        return Err(format!("event {id} has {} topics", topics.len()));
    }
    let data = field::text(item, "value").map_err(of_event)?;
    let EventBody { name, topics: shown, data: data_shown, unreadable } = event_body(&topics, data).map_err(of_event)?;
    let event = Event {
        id: id.to_owned(),
        ledger,
        closed_at,
        contract: field::text(item, "contractId").map_err(of_event)?.to_owned(),
        transaction,
        // Deprecated, and on its way out: since protocol 23 a call that fails leaves no contract events.
        successful: item.get("inSuccessfulContractCall").and_then(Value::as_bool).unwrap_or(true),
        name,
        topics: shown,
        data: data_shown,
        topics_xdr: topics,
        data_xdr: data.to_owned(),
        unreadable,
    };
    Ok((event, place))
}

fn shortened(text: &str) -> String {
    text.chars().take(HASH_DIGITS).collect()
}

// === impl Place ===

impl Place {
    /// `0000008937826942976-0000000000`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (number, event) = text.split_once('-')?;
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        // Ids are compared as texts, which is their order only if they are all of one length.
        if number.len() != 19 || event.len() != 10 || !is_digits(number) || !is_digits(event) {
            return None;
        }
        Some(Self { number: number.parse().ok()?, event: event.parse().ok()? })
    }

    pub(super) fn ledger(self) -> u32 {
        u32::try_from(self.number >> LEDGER_SHIFT).unwrap_or(u32::MAX)
    }

    /// The first ledger of which something may come after it.
    fn ledgers_before(self) -> u32 {
        let is_end = self.number & u64::from(u32::MAX) == u64::from(u32::MAX) && self.event == u32::MAX;
        if is_end { self.ledger().saturating_add(1) } else { self.ledger() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_ledger_and_what_comes_after_it() {
        let event = Place::parse("0000008937826942976-0000000000").expect("a place");
        assert_eq!((event.ledger(), event.ledgers_before()), (2081, 2081));
        let end = Place { number: (7 << LEDGER_SHIFT) | u64::from(u32::MAX), event: u32::MAX };
        assert_eq!((end.ledger(), end.ledgers_before()), (7, 8));
        for text in ["", "1-2", "0000008937826942976", "000000893782694297x-0000000000", "0000008937826942976-00000000001"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }
}
