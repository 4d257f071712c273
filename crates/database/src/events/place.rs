//! Places in stored events, as SQL.

use trueup_spec::{EventPart, EventPath, EventTopic, Segment};

use crate::sql::literal;

/// SQL for the text of a scalar at a place of the event that `alias` stands for: integers in decimal base units,
/// addresses as strkeys, bytes in lower-case hex, symbols and strings as they are. NULL where there is nothing, or no
/// scalar.
#[must_use]
pub fn text_at(alias: &str, at: &EventPath) -> String {
    // Strict, so that an index is never taken for the name of a map's entry, nor the other way round.
    let mut path = String::from("strict $");
    let root = match at.part {
        EventPart::Data => format!("{alias}.data"),
        EventPart::Topic(index) => {
            path.push_str(&format!("[{index}]"));
            format!("{alias}.topics")
        }
    };
    for segment in &at.path.0 {
        match segment {
            Segment::Index(index) => path.push_str(&format!("[{index}]")),
            Segment::Name(name) | Segment::Key(_, name) => path.push_str(&format!(".{}", serde_json::Value::from(name.as_str()))),
        }
    }
    let found = format!("jsonb_path_query_first({root}, {}, '{{}}', true)", literal(&path));
    format!("(SELECT CASE WHEN jsonb_typeof(it) IN ('string', 'boolean') THEN it #>> '{{}}' END FROM (SELECT {found}) AS place (it))")
}

/// SQL for: the event that `alias` stands for is of this contract, belongs to a call that succeeded, and its topics are
/// these, from the first; it may have more. The first is the name, a symbol.
#[must_use]
pub fn topics_are(alias: &str, contract: &str, topics: &[EventTopic]) -> String {
    let mut conditions = vec![format!("{alias}.contract = {}", literal(contract)), format!("{alias}.successful")];
    for (index, topic) in topics.iter().enumerate() {
        let here = if index == 0 { format!("{alias}.name") } else { text_at(alias, &topic_path(index)) };
        match topic {
            EventTopic::Is(text) => conditions.push(format!("{here} = {}", literal(text))),
            EventTopic::Any => conditions.push(format!("jsonb_array_length({alias}.topics) > {index}")),
        }
    }
    conditions.join(" AND ")
}

fn topic_path(index: usize) -> EventPath {
    EventPath { part: EventPart::Topic(index), path: trueup_spec::Path::default() }
}
