//! Elements of a list or map within an entry: where a row's is, and which there are.

use stellar_xdr::{ScMapEntry, ScVal};
use trueup_spec::{Argument, ArgumentType, Element, ElementBy, KeyTemplate};

use super::argument::symbol;
use super::error::{DecodeError, KeyError};
use super::key::key_value;
use super::path::{missing_at, select};
use super::text::{text, type_name};

/// Which element of its parent a row is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementAt {
    /// The one at this place of a list, from 0; none where the row counts from before its beginning.
    Index(Option<usize>),
    /// The one under this key of a map.
    Key(ScVal),
}

/// Which element a row is, from its arguments, which are as [`key_value`] takes them. None where one is NULL.
///
/// # Errors
/// An argument is not of its type.
pub fn element_at(element: &Element, arguments: &[Argument], texts: &[Option<String>]) -> Result<Option<ElementAt>, KeyError> {
    match &element.by {
        ElementBy::Key(key) => Ok(key_value(key, arguments, texts)?.map(ElementAt::Key)),
        ElementBy::Position { argument, first } => {
            let Some(ScVal::I64(position)) = key_value(&KeyTemplate::Argument(*argument), arguments, texts)? else { return Ok(None) };
            Ok(Some(ElementAt::Index(position.checked_sub(*first).and_then(|index| usize::try_from(index).ok()))))
        }
    }
}

/// The element of a parent's value; none where it has no such element.
///
/// # Errors
/// The parent holds no list or map there.
pub fn element<'a>(value: &'a ScVal, element: &Element, at: &ElementAt) -> Result<Option<&'a ScVal>, DecodeError> {
    Ok(match at {
        ElementAt::Index(index) => {
            let parts = list(value, element)?;
            index.and_then(|index| parts.get(index))
        }
        ElementAt::Key(key) => map(value, element)?.iter().find(|entry| entry.key == *key).map(|entry| &entry.val),
    })
}

/// The elements that a parent's value has: of each the texts of the element's holes, in their order ([`Element::holes`]),
/// as [`key_texts`](super::key_texts) writes them. Keys of a map that are of another form belong to no row.
///
/// # Errors
/// The parent holds no list or map there, or a key that Postgres cannot hold.
pub fn elements(value: &ScVal, element: &Element, arguments: &[Argument]) -> Result<Vec<Vec<String>>, DecodeError> {
    match &element.by {
        ElementBy::Position { first, .. } => {
            let count = list(value, element)?.len();
            Ok((*first..).take(count).map(|position| vec![position.to_string()]).collect())
        }
        ElementBy::Key(key) => {
            let keys = map(value, element)?.iter().map(|entry| holes(&entry.key, key, arguments));
            keys.filter_map(Result::transpose).collect()
        }
    }
}

fn list<'a>(value: &'a ScVal, element: &Element) -> Result<&'a [ScVal], DecodeError> {
    match collection(value, element)? {
        None | Some(ScVal::Vec(None)) => Ok(&[]),
        Some(ScVal::Vec(Some(parts))) => Ok(parts),
        Some(other) => Err(DecodeError::NoElements { path: element.of.to_string(), found: type_name(other), wanted: "list" }),
    }
}

fn map<'a>(value: &'a ScVal, element: &Element) -> Result<&'a [ScMapEntry], DecodeError> {
    match collection(value, element)? {
        None | Some(ScVal::Map(None)) => Ok(&[]),
        Some(ScVal::Map(Some(entries))) => Ok(entries),
        Some(other) => Err(DecodeError::NoElements { path: element.of.to_string(), found: type_name(other), wanted: "map" }),
    }
}

/// What holds the elements; none where the parent has none: an `Option` that is `None`, or a part that may be missing.
fn collection<'a>(value: &'a ScVal, element: &Element) -> Result<Option<&'a ScVal>, DecodeError> {
    match select(value, &element.of)? {
        Some(ScVal::Void) => Ok(None),
        Some(found) => Ok(Some(found)),
        None if element.optional => Ok(None),
        None => Err(DecodeError::Absent { path: missing_at(value, &element.of) }),
    }
}

/// The texts of a template's holes in a key that has its form.
fn holes(value: &ScVal, template: &KeyTemplate, arguments: &[Argument]) -> Result<Option<Vec<String>>, DecodeError> {
    match (template, value) {
        (KeyTemplate::Argument(index), value) if arguments.get(*index).is_some_and(|argument| is_of(value, argument.kind)) => {
            Ok(text(value)?.map(|text| vec![text]))
        }
        (KeyTemplate::Symbol(name), ScVal::Symbol(found)) => Ok(symbol(name).is_ok_and(|name| name == *found).then(Vec::new)),
        (KeyTemplate::Vec(templates), ScVal::Vec(Some(parts))) if templates.len() == parts.len() => {
            all(templates.iter().zip(parts.iter()).map(|(template, part)| holes(part, template, arguments)))
        }
        (KeyTemplate::Map(pairs), ScVal::Map(Some(entries))) if pairs.len() == entries.len() => all(pairs.iter().map(|(key, value)| {
            // Only keys without holes tell which member is which.
            let found = entries.iter().find(|entry| matches!(holes(&entry.key, key, arguments), Ok(Some(texts)) if texts.is_empty()));
            found.map_or(Ok(None), |entry| holes(&entry.val, value, arguments))
        })),
        _ => Ok(None),
    }
}

fn all(parts: impl Iterator<Item = Result<Option<Vec<String>>, DecodeError>>) -> Result<Option<Vec<String>>, DecodeError> {
    let mut texts = Vec::new();
    for part in parts {
        match part? {
            Some(part) => texts.extend(part),
            None => return Ok(None),
        }
    }
    Ok(Some(texts))
}

const fn is_of(value: &ScVal, kind: ArgumentType) -> bool {
    matches!(
        (value, kind),
        (ScVal::Bool(_), ArgumentType::Bool)
            | (ScVal::U32(_), ArgumentType::U32)
            | (ScVal::I32(_), ArgumentType::I32)
            | (ScVal::U64(_), ArgumentType::U64)
            | (ScVal::I64(_), ArgumentType::I64)
            | (ScVal::U128(_), ArgumentType::U128)
            | (ScVal::I128(_), ArgumentType::I128)
            | (ScVal::U256(_), ArgumentType::U256)
            | (ScVal::I256(_), ArgumentType::I256)
            | (ScVal::Timepoint(_), ArgumentType::Timepoint)
            | (ScVal::Duration(_), ArgumentType::Duration)
            | (ScVal::Symbol(_), ArgumentType::Symbol)
            | (ScVal::String(_), ArgumentType::String)
            | (ScVal::Bytes(_), ArgumentType::Bytes)
            | (ScVal::Address(_), ArgumentType::Address)
    )
}
