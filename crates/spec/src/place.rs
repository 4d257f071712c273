//! Places in a spec file: from byte offsets to lines and columns, and into the text of a string.

use crate::Position;

/// The lines of a text, found once: a file has many places.
pub(crate) struct Lines {
    /// The byte at which each line begins.
    starts: Vec<usize>,
}

impl Lines {
    pub fn of(source: &str) -> Self {
        let after_breaks = source.match_indices('\n').map(|(index, _)| index + 1);
        Self { starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    /// The position of a byte offset; an offset past the end is the end.
    pub fn position(&self, source: &str, offset: usize) -> Position {
        let mut end = offset.min(source.len());
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= end);
        Position { line, column: source[self.starts[line - 1]..end].chars().count() + 1 }
    }
}

/// The position of a byte offset; an offset past the end is the end.
pub(crate) fn position(source: &str, offset: usize) -> Position {
    Lines::of(source).position(source, offset)
}

/// The byte offset of a position; past the end of the file, its length.
fn offset(source: &str, at: Position) -> usize {
    let line_start = source.split_inclusive('\n').take(at.line.saturating_sub(1)).map(str::len).sum::<usize>();
    let line = &source[line_start..];
    line_start + line.char_indices().nth(at.column.saturating_sub(1)).map_or(line.len(), |(index, _)| index)
}

/// The text of a line, without its end.
pub(crate) fn line(source: &str, number: usize) -> Option<&str> {
    source.split('\n').nth(number.checked_sub(1)?).map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// Where the `characters`th character (from 0) of a string stands, whose content begins at `at`.
///
/// The string in the file and the string as it was read differ where an escape or an environment variable was
/// replaced. Up to the first of these the answer is exact; after it, it is the place of that first one.
pub(crate) fn inside(source: &str, at: Position, text: &str, characters: usize) -> Position {
    let start = offset(source, at);
    let mut written = source[start..].char_indices().filter(|(_, character)| *character != '\r');
    let mut place = start;
    for read in text.chars().take(characters).filter(|character| *character != '\r') {
        match written.next() {
            Some((index, character)) if character == read => place = start + index + character.len_utf8(),
            _ => break,
        }
    }
    position(source, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_not_bytes() {
        assert_eq!(position("a = \"é\" x", 8), Position { line: 1, column: 8 });
        assert_eq!(position("a\nbc", 3), Position { line: 2, column: 2 });
        assert_eq!(position("a\n", 99), Position { line: 2, column: 1 });
        assert_eq!(position("aé", 2), Position { line: 1, column: 2 }, "a byte within a character is at that");
    }

    #[test]
    fn a_place_inside_a_string_follows_its_lines() {
        let source = "where = \"\"\"\na = 1\nand b\"\"\"\n";
        let at = Position { line: 2, column: 1 };
        assert_eq!(inside(source, at, "a = 1\nand b", 10), Position { line: 3, column: 5 });
    }

    #[test]
    fn a_place_after_a_replaced_variable_is_the_place_of_the_variable() {
        let source = "where = \"a = ${X} and b\"";
        let at = Position { line: 1, column: 10 };
        assert_eq!(inside(source, at, "a = 12345 and b", 14), Position { line: 1, column: 14 });
    }
}
