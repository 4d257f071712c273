//! What a new row is made of.

use trueup_judge::{Class, Repair};
use trueup_spec::{Source, Spec};

use super::bound::{BoundField, NewValue};
use super::catalog::{Column, Relation, Table};
use super::complaints::names;
use super::expression::{Scope, chain_of_nulls};
use super::rights::Rights;
use super::{Binder, values};
use crate::sql::{ident, list, mentions};

/// Binds `[insert]`, and adds what the key and the fields say. `[insert]` has the last word, but for the key.
pub(super) async fn bind(binder: &mut Binder<'_, '_>, fields: &[BoundField]) -> Result<Vec<(Column, NewValue)>, sqlx::Error> {
    let spec = binder.spec;
    let key: Vec<Column> = spec.key.iter().filter_map(|name| binder.table.column(&name.text).cloned()).collect();
    let scope = Scope {
        from: format!(
            "FROM {}, (SELECT {}) AS key",
            chain_of_nulls(&values(spec)),
            list(key.iter().map(|it| format!("NULL::{} AS {}", it.base_sql, ident(&it.name))))
        ),
        help: format!(
            "a new row sees the chain's values as `chain.name` ({}) and its key as `key.name` ({})",
            names(spec.values.iter().map(|it| it.name.text.as_str())),
            names(key.iter().map(|it| it.name.as_str()))
        ),
    };
    let mut row: Vec<(Column, NewValue)> = key.iter().cloned().enumerate().map(|(index, column)| (column, NewValue::Key(index))).collect();
    for (name, sql) in &spec.insert {
        let Some(column) = binder.column(name) else { continue };
        let shape = binder.probe.shape(sql, &scope).await?;
        if column.computed {
            binder.probe.complaints.add(name.at, format!("column `{}` is generated: it takes no value", name.text), None);
        } else if row.iter().any(|(it, _)| it.name == column.name) {
            binder.probe.complaints.add(name.at, format!("column `{}` is part of the key: a new row has it already", name.text), None);
        } else if let Some(shape) = shape {
            row.push((column, NewValue::Sql(sql.text.clone(), shape)));
        }
    }
    for (index, field) in fields.iter().enumerate() {
        let is_new = row.iter().all(|(it, _)| it.name != field.column.name);
        let comes_from_chain = match (&field.write, spec.fields.get(index)) {
            (Some((write, _)), _) => {
                let mentioned = mentions(write);
                mentioned.db.is_empty() && !mentioned.whole_row
            }
            (None, Some(field)) => field.read.is_none(),
            (None, None) => false,
        };
        if is_new && comes_from_chain && !field.column.computed {
            row.push((field.column.clone(), NewValue::Field(index)));
        }
    }
    row.retain(|(column, _)| !column.computed);
    Ok(row)
}

/// Whether that is all that a row needs, and the role may insert it.
pub(super) fn is_complete(row: &[(Column, NewValue)], table: &Table, rights: Rights, spec: &Spec, warnings: &mut Vec<String>) -> bool {
    let has = |name: &str| row.iter().any(|(column, _)| column.name == name);
    let lacking: Vec<&str> =
        table.columns.iter().filter(|it| it.not_null && !it.fills_itself && !has(&it.name)).map(|it| it.name.as_str()).collect();
    let keyless: Vec<&str> = spec.key.iter().map(|it| it.text.as_str()).filter(|name| !has(name)).collect();
    let denied: Vec<&str> = row.iter().filter(|(column, _)| !column.may_insert).map(|(column, _)| column.name.as_str()).collect();
    let is_key = |column: &String| spec.key.iter().any(|it| it.text == *column);
    let is_unique = table.indexes.iter().any(|index| !index.is_partial && !index.columns.is_empty() && index.columns.iter().all(is_key));
    let obstacle = if table.relation != Relation::Table {
        format!("{} is not a table", table.display())
    } else if !keyless.is_empty() {
        format!("key column {} is generated", names(keyless))
    } else if !lacking.is_empty() {
        format!("[insert] does not say what {} should be, which may not be NULL and has no default", names(lacking))
    } else if matches!(spec.source, Source::Transaction(_)) && !is_unique {
        // Keys of entries are unique, or the spec is refused. Rows of transactions may share a hash.
        let columns = list(spec.key.iter().map(|it| ident(&it.text)));
        format!(
            "the hash is not unique in {}, so that one row could be inserted twice (ALTER TABLE {} ADD UNIQUE ({columns});)",
            table.display(),
            table.sql()
        )
    } else if !denied.is_empty() {
        let columns = list(denied.iter().map(|it| ident(it)));
        format!(
            "role `{}` may not insert into {} (GRANT INSERT ({columns}) ON {} TO {};)",
            table.role,
            table.display(),
            table.sql(),
            ident(&table.role)
        )
    } else if !rights.inserts_all {
        format!("row security keeps role `{}` from inserting into {}", table.role, table.display())
    } else {
        return true;
    };
    for (class, what) in [(Class::MissingRow, "missing rows"), (Class::MissedEvent, "transactions without a row")] {
        if spec.repair.get(&class) == Some(&Repair::Insert) {
            warnings.push(format!("{}: {obstacle}, so {what} are reported and not inserted", spec.kind));
        }
    }
    false
}
