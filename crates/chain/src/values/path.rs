use stellar_xdr::{ScMapEntry, ScVal};
use trueup_spec::{Path, Segment};

use super::argument::argument;
use super::error::DecodeError;
use super::text::type_name;

/// Follows a path into a value. None where a part of it is not there, which includes everything below a void: an
/// `Option` that is `None`.
///
/// A name finds a map's entry by symbol, else by string, else by the unit variant of that name (`Vec[Symbol]`), as
/// contracts key their instance storage.
///
/// # Errors
/// The path leads into something that has no such parts (a name into a number): that is another shape, not an absence.
pub fn select<'a>(value: &'a ScVal, path: &Path) -> Result<Option<&'a ScVal>, DecodeError> {
    let mut here = value;
    for (depth, segment) in path.0.iter().enumerate() {
        let so_far = || shown(&path.0[..=depth]);
        let next = match (here, segment) {
            (ScVal::Void, _) => None,
            (ScVal::Vec(parts), Segment::Index(index)) => parts.as_ref().and_then(|parts| parts.get(*index)),
            (ScVal::Map(entries), Segment::Name(name)) => entries.as_ref().and_then(|entries| by_name(entries, name)),
            (ScVal::Map(entries), Segment::Key(kind, text)) => {
                let key = argument(*kind, text).map_err(|source| DecodeError::PathKey { path: so_far(), source })?;
                entries.as_ref().and_then(|entries| entries.iter().find(|entry| entry.key == key)).map(|entry| &entry.val)
            }
            (other, _) => return Err(DecodeError::NoParts { path: so_far(), found: type_name(other) }),
        };
        match next {
            Some(next) => here = next,
            None => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// A path for messages, as far as its first part that is not there.
pub(crate) fn missing_at(value: &ScVal, path: &Path) -> String {
    let is_there = |depth: usize| matches!(select(value, &Path(path.0[..depth].to_vec())), Ok(Some(_)));
    let depth = (1..=path.0.len()).find(|depth| !is_there(*depth)).unwrap_or(path.0.len());
    shown(&path.0[..depth])
}

fn by_name<'a>(entries: &'a [ScMapEntry], name: &str) -> Option<&'a ScVal> {
    let name = name.as_bytes();
    let is_symbol = |key: &ScVal| matches!(key, ScVal::Symbol(symbol) if symbol.as_slice() == name);
    let is_string = |key: &ScVal| matches!(key, ScVal::String(string) if string.as_slice() == name);
    let is_unit = |key: &ScVal| matches!(key, ScVal::Vec(Some(parts)) if parts.len() == 1 && is_symbol(&parts[0]));
    let find = |is: &dyn Fn(&ScVal) -> bool| entries.iter().find(|entry| is(&entry.key)).map(|entry| &entry.val);
    find(&is_symbol).or_else(|| find(&is_string)).or_else(|| find(&is_unit))
}

fn shown(segments: &[Segment]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            Segment::Name(name) if is_plain(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(name);
            }
            Segment::Name(name) => text.push_str(&format!("[{name:?}]")),
            Segment::Index(index) => text.push_str(&format!("[{index}]")),
            Segment::Key(kind, key) => text.push_str(&format!("[{}:{key}]", format!("{kind:?}").to_lowercase())),
        }
    }
    text
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
