//! Row identities and chain keys as text, and the parts of which a composite one is made.

use crate::RowError;
use crate::bind::{Bound, Column, Shape};
use crate::sql::{list, literal};

/// The parts of an identity or key over `count` columns: itself, or the texts of a JSON array.
pub(crate) fn parts(text: &str, count: usize) -> Result<Vec<String>, RowError> {
    if count == 1 {
        return Ok(vec![text.to_owned()]);
    }
    let parts: Vec<String> = serde_json::from_str(text).unwrap_or_default();
    if parts.len() == count {
        Ok(parts)
    } else {
        Err(RowError::new(format!("`{text}` is not a JSON array of {count} texts, one for each key column")))
    }
}

/// The canonical text of an identity or key, from expressions of its columns' texts; NULL if one column alone is.
pub(crate) fn canonical<T: AsRef<str>>(texts: &[T]) -> String {
    match texts {
        [text] => text.as_ref().to_owned(),
        texts => format!("jsonb_build_array({})::text", list(texts)),
    }
}

/// The canonical text of these columns of a row. Under the database's collation, as trueup's own columns are, whatever
/// that of the column is: else no index of trueup's would help to find it there.
pub(crate) fn canonical_of(columns: &[Column], alias: &str) -> String {
    let texts = columns.iter().map(|column| format!("({}::text COLLATE \"default\")", column.of(alias)));
    canonical(&texts.collect::<Vec<_>>())
}

/// The row whose key these parts are.
pub(crate) fn names_key(bound: &Bound, alias: &str, part: impl Fn(usize) -> String) -> String {
    match &bound.hash {
        Some(hash) => names_row_by_hash(hash, alias, &part(0)),
        None => names_row(&bound.key, alias, part),
    }
}

/// Like [`names_row`], where the key is a transaction's hash: 64 lower-case hex digits, which a column of texts may hold
/// in either case, and with `0x` or `\x` before them. Each form is compared by itself, so that an index helps.
fn names_row_by_hash(column: &Column, alias: &str, part: &str) -> String {
    let name = column.of(alias);
    if column.shape == Shape::Bytea {
        return format!("{name} = {}", column.shape.typed(part));
    }
    let forms = ["", "0x", r"\x"].map(|prefix| {
        let prefix = literal(prefix);
        format!("({prefix} || lower({part}))::{base}, ({prefix} || upper({part}))::{base}", base = column.base_sql)
    });
    format!("{name} IN ({})", list(forms))
}

/// `db."a" = (i."p0")::bigint AND …`: the row that these parts name. What fails to cast is an error of its row.
pub(crate) fn names_row(columns: &[Column], alias: &str, part: impl Fn(usize) -> String) -> String {
    let equal = columns.iter().enumerate().map(|(index, column)| format!("{} = ({})::{}", column.of(alias), part(index), column.base_sql));
    equal.collect::<Vec<_>>().join(" AND ")
}

/// Like [`names_row`], from expressions that have the columns' types already.
pub(crate) fn names_typed(columns: &[Column], alias: &str, value: impl Fn(usize) -> String) -> String {
    let equal = columns.iter().enumerate().map(|(index, column)| format!("{} = {}", column.of(alias), value(index)));
    equal.collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_key_is_its_own_text_whatever_it_looks_like() {
        assert_eq!(parts(r#"["a"]"#, 1), Ok(vec![r#"["a"]"#.to_owned()]));
    }

    #[test]
    fn a_composite_key_must_have_all_its_parts() {
        assert_eq!(parts(r#"["a", "b\"c"]"#, 2), Ok(vec!["a".to_owned(), "b\"c".to_owned()]));
        for text in ["", "a", r#"["a"]"#, r#"["a", null]"#, r#"["a", "b", "c"]"#] {
            assert!(parts(text, 2).is_err(), "{text}");
        }
    }
}
