//! Rows against events, as SQL: which key an event names, and whether a row agrees with it.

use trueup_spec::{Carrier, EventPart, EventPath, Path};

use crate::bind::{Bound, BoundCreation, BoundTopic, Column, Shape};
use crate::events::text_at;
use crate::identity::canonical;
use crate::sql::{list, literal};

/// The digits of the longest integer of the chain (256 bits), with its sign.
const INTEGER: &str = "^-?[0-9]{1,78}$";

/// `SELECT …`: the key that event `e` names, by columns `v0`, `v1`, … and as canonical text `key`; NULL where it names
/// none that the key columns take.
pub(super) fn key_of(bound: &Bound, event: &BoundCreation) -> String {
    let texts = event.id.iter().map(|place| text_at("e", place));
    key_from(bound, texts)
}

/// The same from texts.
pub(crate) fn key_from(bound: &Bound, texts: impl Iterator<Item = String>) -> String {
    let texts = list(texts.enumerate().map(|(index, text)| format!("{text} AS t{index}")));
    let values =
        list(bound.key.iter().enumerate().map(|(index, column)| format!("{} AS v{index}", key_value(column, &format!("t.t{index}")))));
    let shown: Vec<String> =
        bound.key.iter().enumerate().map(|(index, column)| format!("(v.v{index}::{})::text", column.type_sql)).collect();
    let whole = (0..bound.key.len()).map(|index| format!("v.v{index} IS NOT NULL")).collect::<Vec<_>>().join(" AND ");
    format!(
        "SELECT v.*, CASE WHEN {whole} THEN {} END AS key FROM (SELECT {values} FROM (SELECT {texts} OFFSET 0) AS t OFFSET 0) AS v",
        canonical(&shown)
    )
}

/// A text of the chain as the column's type, NULL where it is none of its values.
fn key_value(column: &Column, text: &str) -> String {
    let cast = format!("({text})::{}", column.base_sql);
    match column.shape {
        Shape::Integer => {
            let (least, most) = match column.base_sql.as_str() {
                "smallint" => (i64::from(i16::MIN), i64::from(i16::MAX)),
                "integer" => (i64::from(i32::MIN), i64::from(i32::MAX)),
                _ => (i64::MIN, i64::MAX),
            };
            format!("CASE WHEN {text} ~ '{INTEGER}' THEN CASE WHEN ({text})::numeric BETWEEN {least} AND {most} THEN {cast} END END")
        }
        Shape::Numeric => format!("CASE WHEN {text} ~ '{INTEGER}' THEN {cast} END"),
        Shape::Uuid => format!("CASE WHEN {text} ~* '^[0-9a-f]{{8}}-?([0-9a-f]{{4}}-?){{3}}[0-9a-f]{{12}}$' THEN {cast} END"),
        Shape::Bytea => format!("CASE WHEN {text} ~ '^([0-9a-f]{{2}})*$' THEN decode({text}, 'hex') END"),
        _ => cast,
    }
}

/// Whether row `r` agrees with event `e` in every topic and every column that the spec names. A column that is NULL
/// agrees with nothing.
pub(super) fn agrees(event: &BoundCreation) -> String {
    let topics = event.topics.iter().enumerate().map(|(index, topic)| {
        let here = text_at("e", &EventPath { part: EventPart::Topic(index + 1), path: Path::default() });
        match topic {
            BoundTopic::Symbol(symbol) => format!("{here} = {}", literal(symbol)),
            BoundTopic::Column(column) => equal(column, &here, 0),
        }
    });
    let matches = event.matches.iter().map(|(column, place, decimals)| equal(column, &text_at("e", place), *decimals));
    let all: Vec<String> = std::iter::once("true".to_owned()).chain(topics).chain(matches).collect();
    format!("coalesce({}, false)", all.join(" AND "))
}

/// A column of `r` against a text of the chain: numbers as numbers, in the column's units; all else by its text.
fn equal(column: &Column, text: &str, decimals: u32) -> String {
    let name = column.of("r");
    let number = |text: &str| format!("CASE WHEN {text} ~ '{INTEGER}' THEN ({text})::numeric * {} END", unit(decimals));
    match column.shape {
        Shape::Integer | Shape::Numeric | Shape::Float => {
            let column = column.shape.to_carrier(Carrier::Numeric, &name).unwrap_or_else(|| format!("({name})::numeric"));
            format!("{column} = {}", number(text))
        }
        Shape::Text if decimals > 0 => {
            format!("CASE WHEN {name}::text ~ '^-?[0-9]+([.][0-9]+)?$' THEN {name}::text::numeric END = {}", number(text))
        }
        Shape::Timestamp | Shape::Timestamptz | Shape::Date => {
            let moment = column.shape.read_back(&name);
            format!("floor(extract(epoch FROM {moment})) = {}", number(text))
        }
        Shape::Bytea => format!("encode({name}, 'hex') = {text}"),
        Shape::Uuid => format!("replace({name}::text, '-', '') = replace({text}, '-', '')"),
        _ => format!("({name}::text COLLATE \"C\") = {text}"),
    }
}

/// What one base unit is, exactly.
fn unit(decimals: u32) -> String {
    match decimals {
        0 => "1".to_owned(),
        decimals => format!("0.{}1::numeric", "0".repeat(decimals as usize - 1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_unit_is_exact() {
        assert_eq!((unit(0), unit(1), unit(7)), ("1".to_owned(), "0.1::numeric".to_owned(), "0.0000001::numeric".to_owned()));
    }
}
