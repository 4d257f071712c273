//! Checks that the SQL of a spec names only values and key columns that there are.

use crate::document::Document;
use crate::{Name, Sql, mentions, place, suggest};

/// Reports each `chain.name` that is no value. `known` is none where the values could not be read.
pub(super) fn check_values(document: &Document<'_>, sql: &Sql, known: Option<&[&str]>) {
    let Some(known) = known else { return };
    let help = if known.is_empty() {
        "the spec has no [values]; add one for what the SQL reads".to_owned()
    } else {
        format!("the values are {}", suggest::list(known.iter().copied()))
    };
    check(document, sql, "chain", "value", known, &help);
}

/// Reports each `key.name` that is no key column.
pub(super) fn check_key(document: &Document<'_>, sql: &Sql, key: &[Name]) {
    let known: Vec<&str> = key.iter().map(|column| column.text.as_str()).collect();
    check(document, sql, "key", "key column", &known, &format!("the key columns are {}", suggest::list(known.iter().copied())));
}

fn check(document: &Document<'_>, sql: &Sql, qualifier: &str, what: &str, known: &[&str], help: &str) {
    for mention in mentions::mentions(&sql.text) {
        if mention.qualifier == qualifier && !known.contains(&mention.name.as_str()) {
            let near = suggest::did_you_mean(&mention.name, known.iter().copied());
            let at = place::inside(&document.text, sql.at, &sql.text, mention.character);
            document.report(at, format!("there is no {what} `{}`{near}", mention.name), Some(help.to_owned()));
        }
    }
}
