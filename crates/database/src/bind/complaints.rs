//! What is wrong with a spec, gathered until all of it is known.

use trueup_spec::{Position, Spec, SpecError, SpecErrors, Sql};

/// Gathers errors about one spec.
pub(crate) struct Complaints<'s> {
    spec: &'s Spec,
    errors: Vec<SpecError>,
}

impl<'s> Complaints<'s> {
    pub fn new(spec: &'s Spec) -> Self {
        Self { spec, errors: Vec::new() }
    }

    pub fn add(&mut self, at: Position, message: impl Into<String>, help: Option<String>) {
        self.errors.push(SpecError::new(&self.spec.file, &self.spec.text, at, message, help));
    }

    /// About the `character`th character (from 0) of an expression.
    pub fn add_inside(&mut self, sql: &Sql, character: usize, message: impl Into<String>, help: Option<String>) {
        let at = inside(&self.spec.text, sql, character);
        self.add(at, message, help);
    }

    /// All of them, in the order of the file.
    pub fn into_errors(mut self) -> SpecErrors {
        self.errors.sort_by_key(|error| error.at.map(|at| (at.line, at.column)));
        self.errors.dedup();
        SpecErrors(self.errors)
    }

    /// Ok if there are none.
    pub fn check(&mut self) -> Result<(), SpecErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let errors = std::mem::take(&mut self.errors);
        Err(Self { spec: self.spec, errors }.into_errors())
    }
}

/// Where a character of an expression stands in the file. Exact up to the first escape or environment variable that
/// was replaced; after it, where that one begins.
fn inside(source: &str, sql: &Sql, character: usize) -> Position {
    let mut at = sql.at;
    let written = source.split('\n').nth(at.line.saturating_sub(1)).unwrap_or_default().chars().skip(at.column.saturating_sub(1));
    let rest: String = source.split('\n').skip(at.line).flat_map(|line| ['\n'].into_iter().chain(line.chars())).collect();
    for (read, wrote) in sql.text.chars().take(character).zip(written.chain(rest.chars()).filter(|it| *it != '\r')) {
        if read != wrote {
            break;
        }
        if read == '\n' {
            at = Position { line: at.line + 1, column: 1 };
        } else {
            at.column += 1;
        }
    }
    at
}

/// The names as a list in a sentence.
pub(crate) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
