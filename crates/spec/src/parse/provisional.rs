//! `[provisional]`: rows without their real key.

use super::{table, values};
use crate::document::{Item, Text};
use crate::{CreationEvent, EventPart, EventPath, Path, Provisional, Reference, Topic, literal};

/// An event has at most this many topics (a limit of the protocol).
pub(super) const MAX_TOPICS: usize = 4;

/// How far the row's creation and the event may lie apart where the spec does not say, in seconds.
const DEFAULT_WITHIN_SECS: i64 = 3_600;

pub(super) fn provisional(item: &Item<'_>) -> Option<Provisional> {
    let mut section = item.section("[provisional]", "a table `[provisional]`")?;
    let when = section
        .require("when", "write SQL over the row that is true of a made-up key, as in `when = \"loan_id like 'pending-%'\"`")
        .and_then(|item| item.sql());
    let transaction = section.take("transaction").map(|item| item.column());
    let event = section.take("event").map(|item| event(&item));
    let references = section.take("references").map_or(Some(Vec::new()), |item| references(&item));
    section.finish();
    Some(Provisional {
        when: when?,
        transaction: transaction.map_or(Some(None), |it| it.map(Some))?,
        event: event.map_or(Some(None), |it| it.map(Some))?,
        references: references?,
    })
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

fn event(item: &Item<'_>) -> Option<CreationEvent> {
    let mut section = item.section("`event` in [provisional]", "a table")?;
    let topics = section
        .require("topics", "write the event's topics: its name, then columns, as in `topics = [\"LOANCRTD\", \"user_wallet\"]`")
        .and_then(|item| topics(&item));
    let id = section.require("id", "write where in the event the real key is, as in `id = \"data[0]\"`").and_then(|item| event_path(&item));
    let matches = section.take("match").map_or(Some(Vec::new()), |item| {
        let mut section = item.section("`match` in [provisional]", "a table of columns, as in `{ amount = \"data[1]\" }`")?;
        let read: Vec<_> = section.all().into_iter().map(|(column, item)| Some((column, event_path(&item)?))).collect();
        read.into_iter().collect()
    });
    let within_secs = section.take("within").map_or(Some(DEFAULT_WITHIN_SECS), |item| table::duration(&item));
    section.finish();
    Some(CreationEvent { topics: topics?, id: id?, matches: matches?, within_secs: within_secs? })
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
