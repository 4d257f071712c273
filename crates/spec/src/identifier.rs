//! Names: of tables and columns as SQL writes them, and of trueup's own things.

use crate::suggest;

/// Postgres cuts names after this many bytes, so that a longer one can name nothing.
pub(crate) const MAX_NAME_BYTES: usize = 63;

/// Why a name is none, and how to write it.
pub(crate) type Fault = (String, Option<String>);

/// Splits a qualified name at its dots: unquoted parts in lower case, quoted parts as they are.
pub(crate) fn qualified(text: &str) -> Result<Vec<String>, Fault> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = if let Some(quoted) = rest.strip_prefix('"') { quoted_part(text, quoted)? } else { bare_part(text, rest)? };
        if part.len() > MAX_NAME_BYTES {
            return Err(too_long(&part));
        }
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(parts),
            None => return Err(not_a_name(text)),
        }
    }
}

fn quoted_part<'a>(text: &str, quoted: &'a str) -> Result<(String, &'a str), Fault> {
    let mut part = String::new();
    let mut rest = quoted;
    loop {
        let (before, after) = rest.split_once('"').ok_or_else(|| (format!("`{text}` has an opening quote without a closing one"), None))?;
        part += before;
        match after.strip_prefix('"') {
            Some(next) => {
                part.push('"');
                rest = next;
            }
            None if part.is_empty() => return Err(not_a_name(text)),
            None => return Ok((part, after)),
        }
    }
}

fn bare_part<'a>(text: &str, rest: &'a str) -> Result<(String, &'a str), Fault> {
    let end = rest.find(['.', '"']).unwrap_or(rest.len());
    let (part, after) = rest.split_at(end);
    let starts_well = part.starts_with(|first: char| first.is_alphabetic() || first == '_');
    if starts_well && part.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '$') {
        // Postgres folds only what is ASCII, whatever the locale of a UTF-8 database.
        Ok((part.to_ascii_lowercase(), after))
    } else {
        Err(not_a_name(text))
    }
}

fn not_a_name(text: &str) -> Fault {
    (
        format!("`{text}` is not a name that SQL takes unquoted"),
        Some(r#"put parts with other characters or capital letters in double quotes, as in 'app."My Loans"'"#.to_owned()),
    )
}

/// A column: the name as the catalog has it, or the whole of it in double quotes.
pub(crate) fn column(text: &str) -> Result<String, Fault> {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let name = inner.map_or_else(|| text.to_owned(), |inner| inner.replace("\"\"", "\""));
    if name.trim().is_empty() {
        Err(("a column name is empty".to_owned(), None))
    } else if name.len() > MAX_NAME_BYTES {
        Err(too_long(&name))
    } else {
        Ok(name)
    }
}

fn too_long(name: &str) -> Fault {
    (format!("`{name}` is longer than the {MAX_NAME_BYTES} bytes of a Postgres name"), None)
}

/// A name that SQL in the spec uses as `chain.name`: lower case, unquoted.
pub(crate) fn value_name(text: &str) -> Result<(), Fault> {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_');
    if starts_well && text.len() <= MAX_NAME_BYTES && text.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_') {
        return Ok(());
    }
    let help = format!("a value is named by lower-case letters, digits and `_`, at most {MAX_NAME_BYTES}, since SQL says `chain.name`");
    Err((format!("`{text}` cannot name a value"), Some(help)))
}

/// The name of a kind. It becomes a label of metrics and a word on the command line.
pub(crate) fn kind(text: &str) -> Result<(), Fault> {
    let starts_well = text.starts_with(|first: char| first.is_ascii_lowercase());
    if starts_well
        && text.len() <= MAX_NAME_BYTES
        && text.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_' || it == '-')
    {
        return Ok(());
    }
    let help = format!("a kind is a lower-case letter, then lower-case letters, digits, `_` or `-`, at most {MAX_NAME_BYTES}");
    Err((format!("`{text}` cannot name a kind"), Some(help)))
}

/// The error for a word that is none of the allowed ones.
pub(crate) fn none_of<'a>(what: &str, given: &str, allowed: impl IntoIterator<Item = &'a str> + Clone) -> Fault {
    let near = suggest::did_you_mean(given, allowed.clone());
    (format!("`{given}` is no {what}{near}"), Some(format!("one of {}", suggest::list(allowed))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualified_names_fold_and_quote_as_in_sql() {
        assert_eq!(qualified("Loans"), Ok(vec!["loans".to_owned()]));
        assert_eq!(qualified(r#"app."My.""Loans""#), Ok(vec!["app".to_owned(), r#"My."Loans"#.to_owned()]));
        for bare in ["_a", "a_b", "a$1", "ä"] {
            assert_eq!(qualified(bare), Ok(vec![bare.to_owned()]));
        }
        for wrong in ["", "a.", ".a", "a b", "a-b", "$a", "\"a", "a\"b\"", "1a", "\"\""] {
            assert!(qualified(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn columns_keep_their_case_with_and_without_quotes() {
        assert_eq!(column("Status"), Ok("Status".to_owned()));
        assert_eq!(column(r#""Sta""tus""#), Ok(r#"Sta"tus"#.to_owned()));
        assert!(column(" ").is_err());
    }

    #[test]
    fn a_name_has_as_many_bytes_as_postgres_takes_and_no_more() {
        let (longest, longer) = ("a".repeat(MAX_NAME_BYTES), "a".repeat(MAX_NAME_BYTES + 1));
        assert!(qualified(&longest).is_ok() && column(&longest).is_ok() && value_name(&longest).is_ok() && kind(&longest).is_ok());
        assert!(qualified(&longer).is_err() && column(&longer).is_err() && value_name(&longer).is_err() && kind(&longer).is_err());
        assert!(qualified(&"ä".repeat(MAX_NAME_BYTES / 2 + 1)).is_err(), "bytes, not letters");
    }

    #[test]
    fn what_names_a_value_or_a_kind_needs_no_quotes_anywhere() {
        for good in ["status", "_a1", "a_b"] {
            assert_eq!(value_name(good), Ok(()), "{good}");
        }
        for wrong in ["", "1a", "a-b", "A", "a b", "aB", "ä"] {
            assert!(value_name(wrong).is_err(), "{wrong}");
        }
        for good in ["loan", "loan-2", "a_b"] {
            assert_eq!(kind(good), Ok(()), "{good}");
        }
        for wrong in ["", "_a", "-a", "1a", "A", "aB", "a b", "a.b"] {
            assert!(kind(wrong).is_err(), "{wrong}");
        }
    }
}
