//! What is wrong with a spec, said the way a compiler says it.

use std::fmt;

use crate::{Position, place};

/// One thing that is wrong with a spec.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.render())]
pub struct SpecError {
    /// The file, as it was given.
    pub file: String,
    /// Where in the file; none where the file itself is the matter.
    pub at: Option<Position>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// The line that `at` points into.
    pub line_text: Option<String>,
}

impl SpecError {
    /// An error at a place of a file whose whole text is `source`.
    #[must_use]
    pub fn new(file: &str, source: &str, at: Position, message: impl Into<String>, help: Option<String>) -> Self {
        let line_text = place::line(source, at.line).map(str::to_owned);
        Self { file: file.to_owned(), at: Some(at), message: message.into(), help, line_text }
    }

    /// An error about a file or folder as a whole.
    #[must_use]
    pub fn of_file(file: &str, message: impl Into<String>, help: Option<String>) -> Self {
        Self { file: file.to_owned(), at: None, message: message.into(), help, line_text: None }
    }

    fn render(&self) -> String {
        let mut text = match self.at {
            Some(at) => format!("{}:{}:{}: {}", self.file, at.line, at.column, self.message),
            None => format!("{}: {}", self.file, self.message),
        };
        let mut gutter = String::new();
        if let (Some(at), Some(line)) = (self.at, &self.line_text) {
            let number = at.line.to_string();
            gutter = " ".repeat(number.len());
            // A tab stays a tab, so that the caret stands under its character however wide tabs are shown.
            let indent: String = line.chars().take(at.column - 1).map(|it| if it == '\t' { '\t' } else { ' ' }).collect();
            text += &format!("\n{gutter} |\n{number} | {line}\n{gutter} | {indent}^");
        }
        if let Some(help) = &self.help {
            text += &format!("\n{gutter} = help: {help}");
        }
        text
    }
}

/// All that is wrong with some specs; at least one error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecErrors(pub Vec<SpecError>);

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SpecErrors {}

impl From<SpecError> for SpecErrors {
    fn from(error: SpecError) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for SpecErrors {
    type Item = SpecError;
    type IntoIter = std::vec::IntoIter<SpecError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
