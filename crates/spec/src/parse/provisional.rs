//! `[provisional]`: rows without their real key.

use super::{table, values};
use crate::document::{Item, Text};
use crate::{CreationEvent, EventMatch, EventPart, EventPath, Name, Path, Provisional, Reference, Topic, literal};

/// An event has at most this many topics (a limit of the protocol).
pub(super) const MAX_TOPICS: usize = 4;

/// How far the row's creation and the event may lie apart where the spec does not say, in seconds.
const DEFAULT_WITHIN_SECS: i64 = 3_600;

pub(super) fn provisional(item: &Item<'_>) -> Option<Provisional> {
    let mut section = item.section("[provisional]", "a table `[provisional]`")?;
    let when = section
        .require("when", "write SQL over the row that is true of a made-up key, as in `when = \"loan_id like 'pending-%'\"`")
        .and_then(|item| item.sql());
    let transaction = section.take("transaction");
    let of_transaction = [section.take("envelope"), section.take("submitted"), section.take("id")];
    let event = section.take("event");
    let references = section.take("references").map_or(Some(Vec::new()), |item| references(&item));
    let states = [section.take("failed"), section.take("expired")];
    section.finish();
    needs_transaction(transaction.is_some(), of_transaction.iter().chain(&states).flatten());
    if let (Some(id), Some(_)) = (&of_transaction[2], &event) {
        let help = "leave it out here: with an event, its `id` says where the key is".to_owned();
        id.fail::<()>("`id` in [provisional] is about the return value", Some(help));
    }
    let [envelope, submitted, id] = of_transaction;
    let [failed, expired] = states.map(|item| item.map_or(Some(Vec::new()), |item| set(&item)));
    let columns = [transaction, envelope, submitted].map(|item| optional(item, Item::column));
    let id = id.map_or(Some(Path::default()), |item| values::path(&item));
    let event = optional(event, event_of);
    let [transaction, envelope, submitted] = columns;
    Some(Provisional {
        when: when?,
        transaction: transaction?,
        envelope: envelope?,
        submitted: submitted?,
        id: id?,
        event: event?,
        references: references?,
        failed: failed?,
        expired: expired?,
    })
}

/// Some(None) where the key is not there, none where it is and could not be read.
fn optional<'d, T>(item: Option<Item<'d>>, read: impl Fn(&Item<'d>) -> Option<T>) -> Option<Option<T>> {
    item.map_or(Some(None), |item| read(&item).map(Some))
}

/// What says something about the creating transaction.
fn needs_transaction<'i, 'd: 'i>(there: bool, items: impl Iterator<Item = &'i Item<'d>>) {
    for item in items.filter(|_| !there) {
        let help = "name the column with the hash of the creating transaction: `transaction = \"tx_hash\"`".to_owned();
        item.fail::<()>(format!("{} needs `transaction`", item.what), Some(help));
    }
}

/// What a row is set to: columns and texts.
fn set(item: &Item<'_>) -> Option<Vec<(Name, String)>> {
    let what = item.what.clone();
    let mut section = item.section(&what, "a table of columns, as in `{ status = \"failed\" }`")?;
    let columns = section.all();
    if columns.is_empty() {
        return item.fail(format!("{what} names no column"), Some("leave it out, or write `{ status = \"failed\" }`".to_owned()));
    }
    let read: Vec<_> = columns.into_iter().map(|(column, item)| Some((column, item.text()?.text))).collect();
    read.into_iter().collect()
}

/// What the rest of the spec has to say, so that a row can find its key.
pub(super) fn check(item: &Item<'_>, provisional: &Provisional, whole: &Whole<'_>) {
    let Provisional { transaction, event, references, failed, expired, .. } = provisional;
    let asks = transaction.is_some() || event.is_some();
    if asks && !whole.has_entries {
        let help = "leave out `transaction` and `event`; only rows of contract entries have a key that the chain gives".to_owned();
        item.fail::<()>("the key of these rows is not given by the chain", Some(help));
    }
    if whole.resolves && !asks {
        let help = "name the column with the creating transaction's hash (`transaction`), or the event that the creation emits (`event`)";
        item.fail::<()>("nothing says how a provisional row finds its key", Some(help.to_owned()));
    }
    if event.as_ref().is_some_and(|event| event.at.is_none()) && !whole.has_changed {
        let help = "name the column with the time of the row's creation: `event = { …, at = \"created_at\" }`".to_owned();
        item.fail::<()>("`event` in [provisional] needs the time of a row", Some(help));
    }
    let Some(key) = whole.key else { return };
    if let Some(event) = event.as_ref().filter(|event| event.id.len() != key.len()) {
        let help = "write a list with one place for each key column, in their order: `id = [\"data[0]\", \"data[1]\"]`".to_owned();
        let message = format!("`id` in `event` names {} place(s), and the key has {} column(s)", event.id.len(), key.len());
        item.fail::<()>(message, Some(help));
    }
    if let Some(reference) = references.first().filter(|_| key.len() > 1) {
        let help = "leave `references` out; foreign keys that are ON UPDATE CASCADE follow by themselves".to_owned();
        item.document.report(reference.column.at, "references to a key of several columns are not rewritten", Some(help));
    }
    for (column, _) in failed.iter().chain(expired).filter(|(column, _)| key.iter().any(|key| key.text == column.text)) {
        item.document.report(column.at, format!("`{}` is a key column: a failed creation gives no key", column.text), None);
    }
}

/// What [`check`] needs to know of the rest of the spec.
pub(super) struct Whole<'s> {
    /// None where it could not be read.
    pub key: Option<&'s [Name]>,
    pub has_changed: bool,
    pub has_entries: bool,
    pub resolves: bool,
}

fn references(item: &Item<'_>) -> Option<Vec<Reference>> {
    let read: Vec<_> = item
        .list("a list of columns of other tables")?
        .iter()
        .map(|item| {
            let (table, column) = table::reference(&item.text_or("`table.column` in a string")?)?;
            Some(Reference { table, column })
        })
        .collect();
    read.into_iter().collect()
}

fn event_of(item: &Item<'_>) -> Option<CreationEvent> {
    let mut section = item.section("`event` in [provisional]", "a table")?;
    let topics = section
        .require("topics", "write the event's topics: its name, then columns, as in `topics = [\"LOANCRTD\", \"user_wallet\"]`")
        .and_then(|item| topics(&item));
    let id = section.require("id", "write where in the event the real key is, as in `id = \"data[0]\"`").and_then(|item| places(&item));
    let matches = section.take("match").map_or(Some(Vec::new()), |item| {
        let mut section = item.section("`match` in [provisional]", "a table of columns, as in `{ amount = \"data[1]\" }`")?;
        let read: Vec<_> = section.all().into_iter().map(|(column, item)| event_match(column, &item)).collect();
        read.into_iter().collect()
    });
    let at = section.take("at");
    let within_secs = section.take("within").map_or(Some(DEFAULT_WITHIN_SECS), |item| table::duration(&item));
    section.finish();
    let at = optional(at, Item::column)?;
    Some(CreationEvent { topics: topics?, id: id?, matches: matches?, at, within_secs: within_secs? })
}

/// One place, or one for each key column.
fn places(item: &Item<'_>) -> Option<Vec<EventPath>> {
    if !item.is_list() {
        return event_path(item).map(|place| vec![place]);
    }
    let read: Vec<_> = item.list("a place in the event, or a list of places")?.iter().map(event_path).collect();
    read.into_iter().collect()
}

/// A place, or a table with a place and the decimals of the integer there.
fn event_match(column: Name, item: &Item<'_>) -> Option<EventMatch> {
    if !item.is_section() {
        return Some(EventMatch { column, at: event_path(item)?, decimals: None });
    }
    let mut section = item.section("an element of `match`", "a place in the event")?;
    let at = section.require("path", "write where in the event it is, as in `path = \"data[1]\"`").and_then(|item| event_path(&item));
    let decimals = section.take("decimals").map_or(Some(None), |item| item.integer(0, values::MAX_DECIMALS).map(Some));
    section.finish();
    Some(EventMatch { column, at: at?, decimals: decimals?.and_then(|decimals| u32::try_from(decimals).ok()) })
}

/// The first topic is the event's name; the others are columns, or symbols as in `entry`.
fn topics(item: &Item<'_>) -> Option<Vec<Topic>> {
    let items = item.list("a list of topics")?;
    if items.is_empty() || items.len() > MAX_TOPICS {
        return item.fail(format!("an event has 1 to {MAX_TOPICS} topics"), None);
    }
    let topic = |(index, item): (usize, &Item<'_>)| {
        if item.is_section() {
            let mut section = item.section("a topic", "a topic")?;
            let text = section.require("symbol", "a topic that is no column is `{ symbol = \"…\" }`").and_then(|item| item.text());
            section.finish();
            symbol(&text?)
        } else if index == 0 {
            symbol(&item.text()?)
        } else {
            item.column().map(Topic::Column)
        }
    };
    let read: Vec<_> = items.iter().enumerate().map(topic).collect();
    read.into_iter().collect()
}

fn symbol(text: &Text<'_>) -> Option<Topic> {
    if literal::is_symbol(&text.text) && !text.text.is_empty() {
        return Some(Topic::Symbol(text.text.clone()));
    }
    text.fail(format!("`{}` is not a symbol", text.text), None)
}

/// `data` or `topics[1]`, and a path into it.
pub(super) fn event_path(item: &Item<'_>) -> Option<EventPath> {
    let path = values::path(item)?;
    let mut segments = path.0.into_iter();
    let part = match segments.next() {
        Some(crate::Segment::Name(name)) if name == "data" => Some(EventPart::Data),
        Some(crate::Segment::Name(name)) if name == "topics" => match segments.next() {
            Some(crate::Segment::Index(index)) if index < MAX_TOPICS => Some(EventPart::Topic(index)),
            _ => None,
        },
        _ => None,
    };
    let Some(part) = part else {
        let help = "a place in an event begins with `data` or `topics[0]` to `topics[3]`".to_owned();
        return item.fail(format!("{} is no place in an event", item.what), Some(help));
    };
    Some(EventPath { part, path: Path(segments.collect()) })
}
