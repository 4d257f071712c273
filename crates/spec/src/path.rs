//! The syntax of paths: `schedule[0]["due date"][u32:5].amount`.

use std::fmt;
use std::str::FromStr;

use crate::{ArgumentType, Path, Segment, literal, suggest};

/// The deepest path, in segments; the chain's own values are not deeper than the host's limit of 100.
const MAX_SEGMENTS: usize = 100;

/// What is wrong with a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PathError {
    /// The character at which it goes wrong, from 0.
    pub character: usize,
    /// What is wrong.
    pub message: String,
    /// How to write it.
    pub help: Option<String>,
}

impl Path {
    /// Parses a path. Empty text is the whole value.
    ///
    /// # Errors
    /// Text that is not a path, with the character at which it goes wrong.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let mut reader = Reader { text, rest: text };
        let mut segments = Vec::new();
        if !text.is_empty() && !text.starts_with(['.', '[']) {
            segments.push(reader.name()?);
        }
        while !reader.rest.is_empty() {
            segments.push(reader.segment()?);
            if segments.len() > MAX_SEGMENTS {
                return Err(reader.error(format!("a path has at most {MAX_SEGMENTS} parts"), None));
            }
        }
        Ok(Self(segments))
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn error(&self, message: String, help: Option<&str>) -> PathError {
        let read = self.text.len() - self.rest.len();
        PathError { character: self.text[..read].chars().count(), message, help: help.map(str::to_owned) }
    }

    fn segment(&mut self) -> Result<Segment, PathError> {
        if let Some(rest) = self.rest.strip_prefix('.') {
            self.rest = rest;
            return self.name();
        }
        let Some(inside) = self.rest.strip_prefix('[') else {
            return Err(self.error(format!("`{}` cannot stand here in a path", first(self.rest)), Some(SYNTAX)));
        };
        self.rest = inside;
        let segment = if inside.starts_with('"') {
            Segment::Name(self.quoted()?)
        } else if inside.starts_with(|it: char| it.is_ascii_digit()) {
            self.index()?
        } else {
            self.key()?
        };
        match self.rest.strip_prefix(']') {
            Some(rest) => {
                self.rest = rest;
                Ok(segment)
            }
            None => Err(self.error("a `[` of the path has no `]`".to_owned(), Some(SYNTAX))),
        }
    }

    fn name(&mut self) -> Result<Segment, PathError> {
        let end = self.rest.find(|it| !is_name_character(it)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !is_bare(name) {
            let help = "a name begins with a letter or `_`; an element of a vector is `[0]`, any other name is `[\"my name\"]`";
            return Err(self.error("the path wants a name here".to_owned(), Some(help)));
        }
        self.rest = rest;
        Ok(Segment::Name(name.to_owned()))
    }

    fn index(&mut self) -> Result<Segment, PathError> {
        let digits = self.until_bracket();
        let index: u32 = digits.parse().map_err(|_| self.error(format!("`{digits}` is no index into a vector"), Some(SYNTAX)))?;
        self.rest = &self.rest[digits.len()..];
        usize::try_from(index).map(Segment::Index).map_err(|_| self.error("the index is too large".to_owned(), None))
    }

    fn key(&mut self) -> Result<Segment, PathError> {
        let inside = self.until_bracket();
        let Some((name, _)) = inside.split_once(':') else {
            return Err(self.error(format!("`[{inside}]` is neither an index nor a key"), Some(SYNTAX)));
        };
        let Some(kind) = ArgumentType::from_name(name) else {
            let known = ArgumentType::ALL.map(ArgumentType::as_str);
            let message = format!("`{name}` is no type of a key{}", suggest::did_you_mean(name, known));
            return Err(self.error(message, Some(&format!("one of {}", suggest::list(known)))));
        };
        let mut value = Reader { text: self.text, rest: &self.rest[name.len() + 1..] };
        let text = if value.rest.starts_with('"') {
            value.quoted()?
        } else {
            let plain = value.until_bracket();
            value.rest = &value.rest[plain.len()..];
            plain.to_owned()
        };
        let literal = literal::canonical(kind, &text)
            .map_err(|wanted| self.error(format!("`{text}` is no {name}"), Some(&format!("it has to be {wanted}"))))?;
        self.rest = value.rest;
        Ok(Segment::Key(kind, literal))
    }

    /// A name in double quotes, in which `\"` and `\\` stand for `"` and `\`.
    fn quoted(&mut self) -> Result<String, PathError> {
        let mut name = String::new();
        let mut characters = self.rest.char_indices().skip(1);
        while let Some((index, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &self.rest[index + 1..];
                    return Ok(name);
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => name.push(escaped),
                    _ => return Err(self.error(r#"in a quoted name only `\"` and `\\` are escapes"#.to_owned(), None)),
                },
                other => name.push(other),
            }
        }
        Err(self.error("a quoted name of the path has no closing quote".to_owned(), Some(SYNTAX)))
    }

    fn until_bracket(&self) -> &'a str {
        self.rest.split(']').next().unwrap_or_default()
    }
}

const SYNTAX: &str = r#"a path is made of `.name`, `["any name"]`, `[0]` (vectors) and `[u32:5]` (maps with other keys)"#;

fn first(text: &str) -> String {
    text.chars().take(1).collect()
}

fn is_name_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn is_bare(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) && name.chars().all(is_name_character)
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Name(name) if is_bare(name) && index == 0 => f.write_str(name)?,
                Segment::Name(name) if is_bare(name) => write!(f, ".{name}")?,
                Segment::Name(name) => write!(f, "[\"{}\"]", escape(name))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(kind @ ArgumentType::String, text) => write!(f, "[{}:\"{}\"]", kind.as_str(), escape(text))?,
                Segment::Key(kind, text) => write!(f, "[{}:{text}]", kind.as_str())?,
            }
        }
        Ok(())
    }
}

fn escape(name: &str) -> String {
    name.replace('\\', r"\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Segment {
        Segment::Name(text.to_owned())
    }

    #[test]
    fn every_kind_of_segment_is_read() {
        let path = Path::parse(r#"a.b[0]["quoted ]\" name"][u32:05].c[string:"x]"][bytes:0A]"#);
        let expected = vec![
            name("a"),
            name("b"),
            Segment::Index(0),
            name(r#"quoted ]" name"#),
            Segment::Key(ArgumentType::U32, "5".to_owned()),
            name("c"),
            Segment::Key(ArgumentType::String, "x]".to_owned()),
            Segment::Key(ArgumentType::Bytes, "0a".to_owned()),
        ];
        assert_eq!(path, Ok(Path(expected)));
    }

    #[test]
    fn no_text_is_the_whole_value_and_a_leading_dot_may_be_left_out() {
        assert_eq!(Path::parse(""), Ok(Path::default()));
        assert_eq!(Path::parse(".TOTAL"), Path::parse("TOTAL"));
        assert_eq!(Path::parse(r#"["TOTAL"]"#), Path::parse("TOTAL"));
    }

    #[test]
    fn a_wrong_path_says_at_which_character() {
        for (text, character) in [("a..b", 2), ("a.0", 2), ("a[x]", 2), ("é", 0), ("a[1", 3), ("a b", 1), ("a[u33:1]", 2), ("a[u32:-1]", 2)]
        {
            let error = Path::parse(text).expect_err(text);
            assert_eq!(error.character, character, "{text}: {error}");
        }
    }

    #[test]
    fn a_wrong_path_names_the_character_that_cannot_stand_there() {
        let error = Path::parse("a b").expect_err("a space");
        assert_eq!(error.message, "` ` cannot stand here in a path");
    }

    #[test]
    fn a_path_has_as_many_parts_as_the_chain_nests_values_and_no_more() {
        let path = |parts: usize| Path::parse(&"[0]".repeat(parts));
        assert_eq!(path(MAX_SEGMENTS).map(|path| path.0.len()), Ok(MAX_SEGMENTS));
        assert!(path(MAX_SEGMENTS + 1).is_err());
    }

    #[test]
    fn a_path_is_printed_as_a_person_would_write_it() {
        for text in ["a.b_1[0].c", "[0].a", r#"a["due date"]["1st"].b[u32:5][string:"x"]"#, ""] {
            let path: Path = text.parse().expect(text);
            assert_eq!(path.to_string(), text);
        }
    }

    fn segments() -> impl Strategy<Value = Vec<Segment>> {
        let segment = prop_oneof![
            any::<String>().prop_map(Segment::Name),
            "[a-z_][a-z0-9_]{0,5}".prop_map(Segment::Name),
            any::<u32>().prop_map(|index| Segment::Index(index as usize)),
            any::<i128>().prop_map(|number| Segment::Key(ArgumentType::I128, number.to_string())),
            any::<String>().prop_map(|text| Segment::Key(ArgumentType::String, text)),
        ];
        prop::collection::vec(segment, 0..6)
    }

    proptest! {
        #[test]
        fn a_printed_path_parses_to_itself(segments in segments()) {
            let path = Path(segments);
            prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in any::<String>()) {
            let _ = Path::parse(&text);
        }
    }
}
