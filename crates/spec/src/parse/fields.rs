//! `[[field]]`: what is compared.

use trueup_judge::Class;

use super::Chain;
use super::chain::is_key_column;
use super::references::check_values;
use super::values::CARRIERS;
use crate::document::{Item, Section, Text};
use crate::{Carrier, Field, FieldValue, Name, Source, Tolerance, identifier, mentions, suggest};

/// The most fields, and the most conditions, of one spec.
pub(super) const MAX_COMPARISONS: usize = 200;

/// The classes that a field may give its differences.
const CLASSES: [(&str, Class); 2] = [("stale_status", Class::StaleStatus), ("stale_value", Class::StaleValue)];

/// The fields; none if one of them could not be read.
pub(super) fn fields(root: &mut Section<'_>, known: Option<&[&str]>, chain: Option<&Chain>, key: &[Name]) -> Option<Vec<Field>> {
    let Some(item) = root.take("field") else { return Some(Vec::new()) };
    let items = item.list("a list of tables `[[field]]`")?;
    if items.len() > MAX_COMPARISONS {
        return item.fail(format!("the spec has {} fields; it may have {MAX_COMPARISONS}", items.len()), None);
    }
    let read: Vec<_> = items.iter().map(|item| field(item, known, chain)).collect();
    let fields: Vec<Field> = read.into_iter().collect::<Option<_>>()?;
    let state = chain.and_then(|chain| match &chain.source {
        Source::Transaction(transaction) => Some(&transaction.state),
        _ => None,
    });
    for (index, field) in fields.iter().enumerate() {
        let column = &field.column;
        let complaint = if is_key_column(key, column) {
            "is a key column: the chain's entry was found by it, so that there is nothing to compare"
        } else if state.is_some_and(|state| state.text == column.text) {
            "is the state of the transaction, which is compared already"
        } else if writes(field) && fields[..index].iter().any(|other| other.column.text == column.text && writes(other)) {
            "is set by another [[field]] too; at most one field may set a column"
        } else {
            continue;
        };
        item.document.report(column.at, format!("the column `{}` {complaint}", column.text), None);
    }
    Some(fields)
}

/// Whether a repair of this field sets its column.
fn writes(field: &Field) -> bool {
    field.read.is_none() || field.write.is_some()
}

/// Whether the chain alone gives this field's column in a new row, which has no old columns to write over.
pub(super) fn fills_new_rows(field: &Field) -> bool {
    match &field.write {
        Some(write) => !mentions::names_qualifier(&write.text, "db"),
        None => field.read.is_none(),
    }
}

fn field(item: &Item<'_>, known: Option<&[&str]>, chain: Option<&Chain>) -> Option<Field> {
    let mut section = item.section("[[field]]", "a table `[[field]]`")?;
    let document = section.document;
    let column = section.require("column", "name the column that is compared, as in `column = \"status\"`").and_then(|item| item.column());
    let value = section.require("value", "name what it is compared with: one of [values], or SQL over `chain.*`");
    let type_item = section.take("type");
    let map_item = section.take("map");
    let tolerance_item = section.take("tolerance");
    let class = section.take("class").map_or(Some(Class::StaleValue), |item| item.word("class of a field", &CLASSES));
    let mut sql = |key| section.take(key).map(|item| item.sql());
    let (read, write) = (sql("read"), sql("write"));
    section.finish();

    let default = tolerance_item.as_ref().map(|_| Carrier::Numeric);
    let value = value.and_then(|item| field_value(&item, known, type_item.as_ref(), default));
    let map = map_item.as_ref().map_or(Some(Vec::new()), map);
    let tolerance = tolerance_item.as_ref().map(tolerance);
    if let Some(Some(write)) = &write {
        check_values(document, write, known);
    }

    let value = value?;
    let carrier = match &value {
        FieldValue::Sql(_, carrier) => Some(*carrier),
        FieldValue::Value(index) => chain.and_then(|chain| chain.values.get(*index)).map(|value| value.carrier),
    };
    if let (Some(item), Some(carrier)) = (&map_item, carrier)
        && carrier != Carrier::Text
    {
        let help = "give the value `type = \"text\"`; integers and booleans can be read as text too".to_owned();
        item.fail::<()>(format!("a `map` translates labels, and the value is `{}`", carrier.sql()), Some(help));
    }
    if let (Some(item), Some(carrier)) = (&tolerance_item, carrier)
        && carrier != Carrier::Numeric
    {
        item.fail::<()>(format!("only numbers have a `tolerance`, and the value is `{}`", carrier.sql()), None);
    }
    // An optional part that is there and wrong makes the field wrong; one that is not there does not.
    let part = |part: Option<Option<_>>| part.map_or(Some(None), |inner| inner.map(Some));
    Some(Field {
        column: column?,
        value,
        read: part(read)?,
        write: part(write)?,
        map: map?,
        tolerance: tolerance.map_or(Some(None), |it| it.map(Some))?,
        class: class?,
    })
}

/// A value's name, `chain.` and a value's name, or any other SQL.
fn field_value(item: &Item<'_>, known: Option<&[&str]>, type_item: Option<&Item<'_>>, default: Option<Carrier>) -> Option<FieldValue> {
    let text = item.text_or("the name of a value, or SQL in a string")?;
    let written = text.text.trim();
    let bare = written.strip_prefix("chain.").unwrap_or(written);
    if identifier::value_name(bare).is_err() {
        return sql_value(text, &item.what, known, type_item, default);
    }
    let known = known?;
    let Some(index) = known.iter().position(|name| *name == bare) else {
        let near = suggest::did_you_mean(bare, known.iter().copied());
        let help = if known.is_empty() {
            "the spec has no [values]; add one, as in `amount = { path = \"amount\", type = \"numeric\" }`".to_owned()
        } else {
            format!("the values are {}", suggest::list(known.iter().copied()))
        };
        return text.fail(format!("there is no value `{bare}`{near}"), Some(help));
    };
    if let Some(item) = type_item {
        return item.fail(format!("the type of `{bare}` is given in [values]"), Some("leave `type` out here".to_owned()));
    }
    Some(FieldValue::Value(index))
}

fn sql_value(
    text: Text<'_>,
    what: &str,
    known: Option<&[&str]>,
    type_item: Option<&Item<'_>>,
    default: Option<Carrier>,
) -> Option<FieldValue> {
    let document = text.document;
    let at = text.at;
    let sql = text.sql(what)?;
    check_values(document, &sql, known);
    let carrier = match (type_item, default) {
        (Some(item), _) => item.word("type of a value", &CARRIERS)?,
        (None, Some(default)) => default,
        (None, None) => {
            let help = "add `type = \"numeric\"`, or another of `text`, `bool`, `bytea`, `timestamptz`, `jsonb`".to_owned();
            document.report(at, "a `value` that is SQL needs a `type`", Some(help));
            return None;
        }
    };
    Some(FieldValue::Sql(sql, carrier))
}

fn map(item: &Item<'_>) -> Option<Vec<(String, String)>> {
    let mut section = item.section("`map` in [[field]]", "a table of labels, as in `{ Active = \"active\" }`")?;
    let labels: Vec<_> = section.all().into_iter().map(|(label, item)| Some((label.text, item.text()?.text))).collect();
    if labels.is_empty() {
        return item.fail("`map` is empty, so that no label has a counterpart", Some("leave it out if the labels are the same".to_owned()));
    }
    labels.into_iter().collect()
}

/// A decimal of at least zero, as it was written, perhaps in percent.
fn tolerance(item: &Item<'_>) -> Option<Tolerance> {
    let text = item.text_or_integer("a decimal in a string, as in `\"0.01\"` or `\"0.5%\"`")?;
    let percent = text.text.strip_suffix('%').map(str::trim_end);
    let decimal = percent.unwrap_or(&text.text);
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.len() <= MAX_TOLERANCE_DIGITS && part.chars().all(|it| it.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        let help = "write a decimal of at least 0, as in `\"0.01\"`, or in percent of the chain's side, as in `\"0.5%\"`".to_owned();
        return text.fail(format!("`{}` is not a tolerance", text.text), Some(help));
    }
    let decimal = decimal.to_owned();
    Some(if percent.is_some() { Tolerance::Percent(decimal) } else { Tolerance::Absolute(decimal) })
}

/// The most digits of a tolerance, on each side of the point.
const MAX_TOLERANCE_DIGITS: usize = 78;
