//! `entry`: the key of a contract's storage entry, with holes that SQL over the key columns fills.

use crate::document::Item;
use crate::{Argument, ArgumentType, KeyTemplate, Sql, literal, suggest};

/// The deepest nesting of vectors and maps in a key.
const MAX_ENTRY_DEPTH: usize = 16;

/// The most parts of a key, over all its nesting.
const MAX_ENTRY_PARTS: usize = 256;

const PART: &str = "a part is a table of one key: `{ symbol = \"Loan\" }`, `{ u64 = \"loan_id\" }`, `{ address = \"wallet\" }`, …";

/// The words that build a part out of parts.
const COMPOSITES: [&str; 3] = ["vec", "map", "struct"];

/// Reads entries, and collects the arguments that they refer to.
pub(super) struct EntryReader {
    pub arguments: Vec<Argument>,
    takes_arguments: bool,
    parts: usize,
}

impl EntryReader {
    pub fn with_arguments() -> Self {
        Self { arguments: Vec::new(), takes_arguments: true, parts: 0 }
    }

    pub fn without_arguments() -> Self {
        Self { arguments: Vec::new(), takes_arguments: false, parts: 0 }
    }

    /// A list of parts, one part, or `"instance"`.
    pub fn entry(&mut self, item: &Item<'_>) -> Option<KeyTemplate> {
        if item.is_text() {
            let text = item.text()?;
            if text.text == "instance" {
                return Some(KeyTemplate::Instance);
            }
            let help = format!("only `\"instance\"` is written as a string; a symbol is `{{ symbol = \"{}\" }}`", text.text);
            return text.fail(format!("`{}` is not an entry", text.text), Some(help));
        }
        self.part_or_parts(item)
    }

    /// A list of parts, or one part.
    pub fn part_or_parts(&mut self, item: &Item<'_>) -> Option<KeyTemplate> {
        if !item.is_list() {
            return self.part(item, 0);
        }
        let items = item.list("a list of parts")?;
        if items.is_empty() {
            return item.fail(format!("{} has no parts", item.what), Some(PART.to_owned()));
        }
        self.parts(&items, 0).map(KeyTemplate::Vec)
    }

    /// A list of parts that stand for themselves, as the parameters of a function do; it may be empty.
    pub fn parameters(&mut self, item: &Item<'_>) -> Option<Vec<KeyTemplate>> {
        self.parts(&item.list("a list of parts, one for each parameter of the function")?, 0)
    }

    /// Every part is read even if one of them is wrong, so that all errors are seen at once.
    fn parts(&mut self, items: &[Item<'_>], depth: usize) -> Option<Vec<KeyTemplate>> {
        let parts: Vec<_> = items.iter().map(|item| self.part(item, depth + 1)).collect();
        parts.into_iter().collect()
    }

    fn part(&mut self, item: &Item<'_>, depth: usize) -> Option<KeyTemplate> {
        self.parts += 1;
        if depth > MAX_ENTRY_DEPTH || self.parts > MAX_ENTRY_PARTS {
            return item.fail(format!("an entry has at most {MAX_ENTRY_PARTS} parts, {MAX_ENTRY_DEPTH} deep"), None);
        }
        if item.is_text() {
            let text = item.text()?;
            let help = format!("a symbol is `{{ symbol = \"{0}\" }}`, a column's value `{{ u64 = \"{0}\" }}`", text.text);
            return text.fail(format!("the part `{}` does not say of which type it is", text.text), Some(help));
        }
        let mut members = item.section(&item.what, "a part")?.all();
        let Some((name, value)) = members.pop().filter(|_| members.is_empty()) else {
            return item.fail("a part has exactly one key, its type", Some(PART.to_owned()));
        };
        match name.text.as_str() {
            "vec" => self.parts(&value.list("a list of parts")?, depth).map(KeyTemplate::Vec),
            "map" => self.map(&value, depth),
            "struct" => self.structure(&value, depth),
            "symbol" if value.is_text() => symbol(&value),
            other => match ArgumentType::from_name(other) {
                Some(kind) => self.argument(kind, &value),
                None => {
                    let known = || ArgumentType::ALL.map(ArgumentType::as_str).into_iter().chain(COMPOSITES);
                    let message = format!("`{other}` is no type of a part{}", suggest::did_you_mean(other, known()));
                    item.document.report(name.at, message, Some(format!("one of {}", suggest::list(known()))));
                    None
                }
            },
        }
    }

    /// `{ map = [[key, value], …] }`
    fn map(&mut self, item: &Item<'_>, depth: usize) -> Option<KeyTemplate> {
        let mut pairs = Vec::new();
        let mut whole = true;
        for pair in item.list("a list of pairs of parts")? {
            let members = pair.list("a pair of parts").unwrap_or_default();
            let [key, value] = members.as_slice() else {
                pair.fail::<()>(
                    "a member of a map is a pair",
                    Some("write `{ map = [[{ symbol = \"id\" }, { u64 = \"id\" }]] }`".to_owned()),
                );
                whole = false;
                continue;
            };
            match (self.part(key, depth + 1), self.part(value, depth + 1)) {
                (Some(key), Some(value)) => pairs.push((key, value)),
                _ => whole = false,
            }
        }
        self.distinct(item, pairs).filter(|_| whole)
    }

    fn distinct(&self, item: &Item<'_>, pairs: Vec<(KeyTemplate, KeyTemplate)>) -> Option<KeyTemplate> {
        for (index, (key, _)) in pairs.iter().enumerate() {
            if pairs[..index].iter().any(|(earlier, _)| earlier == key) {
                return item.fail("the map has the same key twice", None);
            }
        }
        Some(KeyTemplate::Map(pairs))
    }

    /// `{ struct = { field = part, … } }`: a map whose keys are symbols.
    fn structure(&mut self, item: &Item<'_>, depth: usize) -> Option<KeyTemplate> {
        let mut section = item.section("`struct`", "a table of parts, one for each field")?;
        let mut pairs = Vec::new();
        let mut whole = true;
        for (name, value) in section.all() {
            if name.text.is_empty() || !literal::is_symbol(&name.text) {
                item.document.report(name.at, format!("`{}` cannot name a field of a struct", name.text), Some(symbol_help()));
                whole = false;
            }
            match self.part(&value, depth + 1) {
                Some(value) => pairs.push((KeyTemplate::Symbol(name.text), value)),
                None => whole = false,
            }
        }
        whole.then_some(KeyTemplate::Map(pairs))
    }

    fn argument(&mut self, kind: ArgumentType, value: &Item<'_>) -> Option<KeyTemplate> {
        let sql = if value.is_section() {
            let mut section = value.section(&value.what, "SQL")?;
            let sql = section.require("sql", "write `{ symbol = { sql = \"code\" } }`").and_then(|item| item.sql());
            section.finish();
            sql?
        } else if kind.is_integer() {
            value.text_or_integer("SQL in a string, or an integer")?.sql(&value.what)?
        } else {
            value.sql()?
        };
        self.hole(kind, sql, value)
    }

    fn hole(&mut self, kind: ArgumentType, sql: Sql, value: &Item<'_>) -> Option<KeyTemplate> {
        if !self.takes_arguments {
            let help = "it belongs to no row, so that no column can be part of its key; it is made of `{ symbol = \"…\" }` only".to_owned();
            return value.fail(format!("an enumerated entry takes no `{}`", kind.as_str()), Some(help));
        }
        self.arguments.push(Argument { kind, sql });
        Some(KeyTemplate::Argument(self.arguments.len() - 1))
    }
}

fn symbol(value: &Item<'_>) -> Option<KeyTemplate> {
    let text = value.text()?;
    if literal::is_symbol(&text.text) && !text.text.is_empty() {
        return Some(KeyTemplate::Symbol(text.text));
    }
    text.fault((format!("`{}` is not a symbol", text.text), Some(symbol_help())))
}

fn symbol_help() -> String {
    let limit = literal::MAX_SYMBOL_CHARS;
    format!("a symbol has 1 to {limit} of A-Z, a-z, 0-9 and `_`; one that a column holds is `{{ symbol = {{ sql = \"code\" }} }}`")
}
