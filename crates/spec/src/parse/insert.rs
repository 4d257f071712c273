//! `[insert]`: what a new row gets besides its key and its fields.

use super::Chain;
use super::chain::is_key_column;
use super::fields::fills_new_rows;
use super::references::{check_key, check_values};
use crate::document::Section;
use crate::{Field, Name, Source, Sql, identifier};

/// The columns and their SQL; none if one of them could not be read.
pub(super) fn insert(root: &mut Section<'_>, known: Option<&[&str]>, chain: Option<&Chain>, fields: &[Field]) -> Option<Vec<(Name, Sql)>> {
    let Some(item) = root.take("insert") else { return Some(Vec::new()) };
    let mut section = item.section("[insert]", "a table `[insert]`")?;
    if matches!(chain.map(|chain| &chain.source), Some(Source::Transaction(transaction)) if transaction.enumerate.is_none()) {
        let help = "leave it out, or say in [chain] which transactions there are: `enumerate = { events = { … } }`".to_owned();
        return item.fail("[insert] has no use for transactions of which nothing says that they lack a row", Some(help));
    }
    if let Some(what) = chain.and_then(|chain| unlisted(&chain.source)) {
        return item
            .fail(format!("[insert] has no use for {what}: nothing says which of them lack a row"), Some("leave it out".to_owned()));
    }
    let key = chain.map_or(&[][..], |chain| &chain.key);
    let mut columns: Vec<Option<(Name, Sql)>> = Vec::new();
    for (name, item) in section.all() {
        let sql = item.sql();
        if let (Some(sql), Some(_)) = (&sql, chain) {
            check_values(item.document, sql, known);
            check_key(item.document, sql, key);
        }
        let column = match identifier::column(&name.text) {
            Ok(text) => Name { text, at: name.at },
            Err((message, help)) => {
                item.document.report(name.at, message, help);
                columns.push(None);
                continue;
            }
        };
        let taken = if is_key_column(key, &column) {
            Some("its key")
        } else if fields.iter().any(|field| field.column.text == column.text && fills_new_rows(field)) {
            Some("a [[field]]")
        } else {
            None
        };
        if let Some(taken) = taken {
            let message = format!("a new row gets `{}` from {taken} already", column.text);
            item.document.report(column.at, message, Some("leave it out of [insert]".to_owned()));
        }
        columns.push(sql.map(|sql| (column, sql)));
    }
    columns.into_iter().collect()
}

/// What a source reads, in the plural, if nothing can say which of them there are.
pub(super) const fn unlisted(source: &Source) -> Option<&'static str> {
    match source {
        // Those can: by `enumerate`.
        Source::Soroban(_) | Source::Transaction(_) => None,
        Source::AssetBalance(_) => Some("balances"),
        Source::Account(_) => Some("accounts"),
        Source::View(_) => Some("results of views"),
    }
}
