//! A spec file as a tree whose every part knows its place and reports what is wrong with it.

use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::environment::{self, Gap};
use crate::identifier::{self, Fault};
use crate::place::{self, Lines};
use crate::{Name, Position, SpecError, Sql, suggest};

/// The most errors that are reported of one file.
const MAX_ERRORS: usize = 100;

/// Keys that stand at the top of a spec, and that end up in a table if they are written below its header.
const TOP_LEVEL_KEYS: [&str; 6] = ["kind", "table", "key", "where", "changed", "settle"];

/// The file that is being read, and what is wrong with it so far.
pub(crate) struct Document<'d> {
    pub file: &'d str,
    pub text: Arc<str>,
    lines: Lines,
    environment: &'d dyn Fn(&str) -> Option<String>,
    errors: RefCell<Vec<SpecError>>,
}

impl<'d> Document<'d> {
    pub fn new(file: &'d str, text: &str, environment: &'d dyn Fn(&str) -> Option<String>) -> Self {
        Self { file, text: Arc::from(text), lines: Lines::of(text), environment, errors: RefCell::default() }
    }

    /// Notes an error; after [`MAX_ERRORS`] nobody reads on.
    pub fn report(&self, at: Position, message: impl Into<String>, help: Option<String>) {
        let mut errors = self.errors.borrow_mut();
        if errors.len() < MAX_ERRORS {
            errors.push(SpecError::new(self.file, &self.text, at, message, help));
        }
    }

    pub fn position(&self, byte: usize) -> Position {
        self.lines.position(&self.text, byte)
    }

    /// What was reported, in the order of the file.
    pub fn into_errors(self) -> Vec<SpecError> {
        let mut errors = self.errors.into_inner();
        errors.sort_by_key(|error| error.at.map(|at| (at.line, at.column)));
        errors
    }
}

/// A table of the file, whose keys are taken one by one; what nobody takes is unknown.
pub(crate) struct Section<'d> {
    pub document: &'d Document<'d>,
    pub at: Position,
    name: String,
    entries: Vec<Entry<'d>>,
    known: Vec<&'static str>,
}

struct Entry<'d> {
    key: &'d str,
    at: Position,
    value: &'d Spanned<DeValue<'d>>,
    taken: bool,
}

impl<'d> Section<'d> {
    pub fn new(document: &'d Document<'d>, name: String, at: Position, table: &'d DeTable<'d>) -> Self {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let entries = entries
            .into_iter()
            .map(|(key, value)| Entry { key: key.get_ref(), at: document.position(key.span().start), value, taken: false })
            .collect();
        Self { document, at, name, entries, known: Vec::new() }
    }

    /// The value of a key, if it is there.
    pub fn take(&mut self, key: &'static str) -> Option<Item<'d>> {
        self.known.push(key);
        let document = self.document;
        let what = format!("`{key}` in {}", self.name);
        let entry = self.entries.iter_mut().find(|entry| entry.key == key)?;
        entry.taken = true;
        Some(Item::new(document, what, entry.value))
    }

    /// The value of a key that has to be there.
    pub fn require(&mut self, key: &'static str, help: &str) -> Option<Item<'d>> {
        let item = self.take(key);
        if item.is_none() {
            self.document.report(self.at, format!("{} has no `{key}`", self.name), Some(help.to_owned()));
        }
        item
    }

    /// Every key and its value, in the order of the file, for tables whose keys are the user's own.
    pub fn all(&mut self) -> Vec<(Name, Item<'d>)> {
        let (document, name) = (self.document, &self.name);
        let take = |entry: &mut Entry<'d>| {
            entry.taken = true;
            let what = format!("`{}` in {name}", entry.key);
            (Name { text: entry.key.to_owned(), at: entry.at }, Item::new(document, what, entry.value))
        };
        self.entries.iter_mut().map(take).collect()
    }

    /// Reports the keys that nobody took.
    pub fn finish(self) {
        for entry in self.entries.iter().filter(|entry| !entry.taken) {
            let near = suggest::did_you_mean(entry.key, self.known.iter().copied());
            let help = if TOP_LEVEL_KEYS.contains(&entry.key) {
                format!("`{}` belongs above the first `[table]` of the file, since TOML gives a table all keys below it", entry.key)
            } else {
                format!("the keys here are {}", suggest::list(self.known.iter().copied()))
            };
            self.document.report(entry.at, format!("unknown key `{}` in {}{near}", entry.key, self.name), Some(help));
        }
    }
}

/// A value of the file.
#[derive(Clone)]
pub(crate) struct Item<'d> {
    pub document: &'d Document<'d>,
    /// How messages call it: "`column` in [[field]]".
    pub what: String,
    value: &'d DeValue<'d>,
    span: Range<usize>,
}

/// A string of the file, with the environment in it.
pub(crate) struct Text<'d> {
    pub document: &'d Document<'d>,
    pub text: String,
    /// Where its content begins.
    pub at: Position,
}

impl<'d> Item<'d> {
    fn new(document: &'d Document<'d>, what: String, value: &'d Spanned<DeValue<'d>>) -> Self {
        Self { document, what, value: value.get_ref(), span: value.span() }
    }

    pub fn at(&self) -> Position {
        self.document.position(self.span.start)
    }

    pub fn fail<T>(&self, message: impl Into<String>, help: Option<String>) -> Option<T> {
        self.document.report(self.at(), message, help);
        None
    }

    fn wrong_type<T>(&self, wanted: &str) -> Option<T> {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a float",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fail(format!("{} is {found}, and should be {wanted}", self.what), None)
    }

    pub fn is_text(&self) -> bool {
        self.value.is_str()
    }

    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub fn is_section(&self) -> bool {
        self.value.is_table()
    }

    /// A string.
    pub fn text(&self) -> Option<Text<'d>> {
        self.text_or("a string")
    }

    /// A string, called what it is for in the error.
    pub fn text_or(&self, wanted: &str) -> Option<Text<'d>> {
        let Some(written) = self.value.as_str() else { return self.wrong_type(wanted) };
        let text = match environment::fill(written, self.document.environment) {
            Ok(text) => text,
            Err(gap) => return self.gap(&gap),
        };
        if text.contains('\0') {
            return self.fail(format!("{} contains a NUL character, which Postgres does not take", self.what), None);
        }
        Some(Text { document: self.document, text, at: self.document.position(self.content_start()) })
    }

    fn gap<T>(&self, gap: &Gap) -> Option<T> {
        let (needle, message, help) = match gap {
            Gap::Unset(name) => (
                format!("${{{name}}}"),
                format!("the environment variable `{name}` is not set"),
                format!("set it, as in `export {name}=…`; to write the characters themselves, write `$${{{name}}}`"),
            ),
            Gap::Malformed(rest) => (
                "${".to_owned(),
                format!("`{rest}` is not an environment variable"),
                "a variable is written `${NAME}`; to write the characters `${` themselves, write `$${`".to_owned(),
            ),
        };
        let raw = self.document.text.get(self.span.clone()).unwrap_or_default();
        let escaped = |found: usize| raw[..found].ends_with('$');
        let place = raw.match_indices(&needle).map(|(found, _)| found).find(|found| !escaped(*found)).unwrap_or(0);
        self.document.report(self.document.position(self.span.start + place), message, Some(help));
        None
    }

    /// Where the characters of a string begin, after its quotes.
    fn content_start(&self) -> usize {
        let raw = self.document.text.get(self.span.clone()).unwrap_or_default();
        let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
        // A line break right after the opening quotes is not part of the string.
        let line_break = match raw.get(quotes..) {
            Some(rest) if quotes == 3 && rest.starts_with("\r\n") => 2,
            Some(rest) if quotes == 3 && rest.starts_with('\n') => 1,
            _ => 0,
        };
        self.span.start + quotes + line_break
    }

    /// An integer between two bounds.
    pub fn integer(&self, least: i64, most: i64) -> Option<i64> {
        let Some(integer) = self.value.as_integer() else { return self.wrong_type("an integer") };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => self.fail(format!("{} should lie between {least} and {most}", self.what), None),
        }
    }

    /// A string, or an integer that is written like one.
    pub fn text_or_integer(&self, wanted: &str) -> Option<Text<'d>> {
        match self.value.as_integer() {
            Some(integer) if integer.radix() == 10 => {
                Some(Text { document: self.document, text: integer.as_str().to_owned(), at: self.at() })
            }
            _ => self.text_or(wanted),
        }
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        self.value.as_bool().or_else(|| self.wrong_type("`true` or `false`"))
    }

    /// A list.
    pub fn list(&self, wanted: &str) -> Option<Vec<Self>> {
        let Some(array) = self.value.as_array() else { return self.wrong_type(wanted) };
        Some(array.iter().map(|value| Item::new(self.document, format!("an element of {}", self.what), value)).collect())
    }

    /// A table, called `name` in messages.
    pub fn section(&self, name: &str, wanted: &str) -> Option<Section<'d>> {
        match self.value {
            DeValue::Table(table) => Some(Section::new(self.document, name.to_owned(), self.at(), table)),
            _ => self.wrong_type(wanted),
        }
    }

    /// A string that is SQL.
    pub fn sql(&self) -> Option<Sql> {
        self.text_or("SQL in a string")?.sql(&self.what)
    }

    /// A string that names a column.
    pub fn column(&self) -> Option<Name> {
        self.text_or("the name of a column")?.name()
    }

    /// A string that is one of a few words.
    pub fn word<T>(&self, what: &str, words: &[(&str, T)]) -> Option<T>
    where
        T: Copy,
    {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text.text).map(|(_, value)| *value);
        found.or_else(|| text.fault(identifier::none_of(what, &text.text, words.iter().map(|(word, _)| *word))))
    }
}

impl Text<'_> {
    /// Reports something about the string as a whole.
    pub fn fail<T>(&self, message: impl Into<String>, help: Option<String>) -> Option<T> {
        self.document.report(self.at, message, help);
        None
    }

    /// Reports something at a character of the string, from 0.
    pub fn fail_at<T>(&self, character: usize, message: impl Into<String>, help: Option<String>) -> Option<T> {
        let at = place::inside(&self.document.text, self.at, &self.text, character);
        self.document.report(at, message, help);
        None
    }

    pub fn fault<T>(&self, (message, help): Fault) -> Option<T> {
        self.fail(message, help)
    }

    pub fn sql(self, what: &str) -> Option<Sql> {
        if self.text.trim().is_empty() {
            return self.fail(format!("{what} is empty"), Some("leave the key out, or write an SQL expression".to_owned()));
        }
        Some(Sql { text: self.text, at: self.at })
    }

    pub fn name(&self) -> Option<Name> {
        match identifier::column(&self.text) {
            Ok(text) => Some(Name { text, at: self.at }),
            Err(fault) => self.fault(fault),
        }
    }
}
