//! `[[condition]]`: what must hold.

use super::fields::MAX_COMPARISONS;
use super::references::check_values;
use crate::document::{Item, Section};
use crate::{Condition, Field, Position, Priority};

/// The longest name of a condition, in characters.
const MAX_NAME_CHARS: usize = 200;

/// The conditions; none if one of them could not be read.
pub(super) fn conditions(root: &mut Section<'_>, known: Option<&[&str]>, fields: &[Field]) -> Option<Vec<Condition>> {
    let Some(item) = root.take("condition") else { return Some(Vec::new()) };
    let items = item.list("a list of tables `[[condition]]`")?;
    if items.len() > MAX_COMPARISONS {
        return item.fail(format!("the spec has {} conditions; it may have {MAX_COMPARISONS}", items.len()), None);
    }
    let read: Vec<_> = items.iter().map(|item| condition(item, known)).collect();
    let read: Vec<(Condition, Position)> = read.into_iter().collect::<Option<_>>()?;
    for (index, (condition, at)) in read.iter().enumerate() {
        let name = &condition.name;
        // A drift names its field or its condition, and a reader must know which.
        let taken = if read[..index].iter().any(|(other, _)| other.name == *name) {
            "another [[condition]]"
        } else if fields.iter().any(|field| field.column.text == *name) {
            "the column of a [[field]]"
        } else {
            continue;
        };
        item.document.report(*at, format!("the name `{name}` is that of {taken} too"), Some("choose a name of its own".to_owned()));
    }
    Some(read.into_iter().map(|(condition, _)| condition).collect())
}

fn condition(item: &Item<'_>, known: Option<&[&str]>) -> Option<(Condition, Position)> {
    let mut section = item.section("[[condition]]", "a table `[[condition]]`")?;
    let document = section.document;
    let name = section.require("name", "say what holds, as in `name = \"released within total\"`").and_then(|item| {
        let text = item.text()?;
        let length = text.text.chars().count();
        if text.text.trim().is_empty() || length > MAX_NAME_CHARS {
            return text.fail(format!("a condition's name has 1 to {MAX_NAME_CHARS} characters"), None);
        }
        Some(text)
    });
    let holds = section.require("holds", "write SQL over `db.*` and `chain.*` that is true of a sound row").and_then(|item| item.sql());
    let priorities = Priority::ALL.map(|it| (it.as_str(), it));
    let priority = section.take("priority").map_or(Some(Priority::default()), |item| item.word("priority", &priorities));
    section.finish();
    if let Some(holds) = &holds {
        check_values(document, holds, known);
    }
    let name = name?;
    Some((Condition { name: name.text, holds: holds?, priority: priority? }, name.at))
}
