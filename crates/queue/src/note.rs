//! Outcomes and errors, as they are kept.

use std::borrow::Cow;

/// The longest outcome or error that is kept, in bytes.
const NOTE_BYTES: usize = 16_384;

/// The text as Postgres can hold it, without NUL, and no longer than anybody reads.
pub(crate) fn storable(note: &str) -> Cow<'_, str> {
    let kept = &note[..note.floor_char_boundary(NOTE_BYTES)];
    if kept.contains('\0') { Cow::Owned(kept.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(kept) }
}
