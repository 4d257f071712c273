//! What is compared, and what must hold.

use trueup_judge::{Class, Repair, Withheld};
use trueup_spec::{Carrier, Field, FieldValue, Source};

use super::bound::{BoundCondition, BoundField};
use super::catalog::{Column, Relation};
use super::table::hint_for;
use super::{Binder, Shape};
use crate::sql::{ident, mentions};

pub(super) async fn bind(binder: &mut Binder<'_, '_>) -> Result<Vec<BoundField>, sqlx::Error> {
    let mut bound = Vec::new();
    for field in &binder.spec.fields {
        let Some(column) = binder.relied_column(&field.column) else { continue };
        let (raw, raw_carrier) = match &field.value {
            FieldValue::Value(index) => {
                let Some(value) = binder.spec.values.get(*index) else { continue };
                (format!("chain.{}", ident(&value.name.text)), value.carrier)
            }
            FieldValue::Sql(sql, carrier) => {
                let scope = binder.chain_scope();
                let Some(shape) = binder.probe.shape(sql, &scope).await? else { continue };
                let Some(raw) = shape.to_carrier(*carrier, &format!("(\n{}\n)", sql.text)) else {
                    let message = format!("the type of this expression does not go with `type = \"{}\"`", carrier.sql());
                    binder.probe.complaints.add(sql.at, message, None);
                    continue;
                };
                (raw, *carrier)
            }
        };
        let carrier = if field.map.is_empty() { raw_carrier } else { Carrier::Text };
        let Some(db) = database_side(binder, field, &column, carrier).await? else { continue };
        let write = match &field.write {
            None => None,
            Some(sql) => {
                binder.rely_on(&mentions(&sql.text));
                let scope = binder.both_scope();
                let Some(shape) = binder.probe.shape(sql, &scope).await? else { continue };
                Some((sql.text.clone(), shape))
            }
        };
        bound.push(BoundField {
            class: field.class,
            pending: pending_label(binder, field),
            db,
            raw,
            raw_carrier,
            carrier,
            map: field.map.clone(),
            tolerance: field.tolerance.clone(),
            writable: writable(binder, field, &column),
            write,
            column,
        });
    }
    Ok(bound)
}

/// The database's side of a field, in the carrier.
async fn database_side(
    binder: &mut Binder<'_, '_>,
    field: &Field,
    column: &Column,
    carrier: Carrier,
) -> Result<Option<String>, sqlx::Error> {
    if let Some(read) = &field.read {
        binder.rely_on(&mentions(&read.text));
        let scope = super::Scope { help: "columns are written `db.name`; `read` does not see the chain".to_owned(), ..binder.row_scope() };
        let Some(shape) = binder.probe.shape(read, &scope).await? else { return Ok(None) };
        let side = shape.to_carrier(carrier, &format!("(\n{}\n)", read.text));
        if side.is_none() {
            let message = format!("what this reads cannot be compared with a {}", carrier.sql());
            binder.probe.complaints.add(read.at, message, Some(format!("cast it: `(…)::{}`", carrier.sql())));
        }
        return Ok(side);
    }
    // Texts of numbers and moments differ where the values do not: 1.50 is 1.5.
    let as_text = carrier == Carrier::Text && field.map.is_empty();
    let side = match column.shape {
        Shape::Numeric | Shape::Float | Shape::Timestamp | Shape::Timestamptz | Shape::Date if as_text => None,
        shape => shape.to_carrier(carrier, &column.of("db")),
    };
    if side.is_none() {
        let message = format!("column `{}` is {}, which is not compared with a {}", column.name, column.type_sql, carrier.sql());
        binder.probe.complaints.add(field.column.at, message, Some(hint_for(column.shape, &column.name)));
    }
    Ok(side)
}

fn pending_label(binder: &Binder<'_, '_>, field: &Field) -> Option<String> {
    match &binder.spec.source {
        Source::Transaction(transaction)
            if field.class == Class::OrphanedPendingTransaction && field.column.text == transaction.state.text =>
        {
            Some(transaction.pending.clone())
        }
        _ => None,
    }
}

/// Whether a difference of the field could be written. What stands in the way of a repair that the spec asks for is
/// a warning.
fn writable(binder: &mut Binder<'_, '_>, field: &Field, column: &Column) -> Result<(), Withheld> {
    if field.read.is_some() && field.write.is_none() {
        return Err(Withheld::NotAsked);
    }
    let table = &binder.table;
    let name = format!("column `{}` of {}", column.name, table.display());
    let obstacle = if table.relation != Relation::Table {
        format!("{} is not a table", table.display())
    } else if column.computed {
        format!("{name} is generated")
    } else if binder.spec.key.iter().any(|it| it.text == column.name) || table.primary_key().is_some_and(|key| key.contains(&column.name)) {
        format!("{name} is part of a key")
    } else if !column.may_update {
        let grant = format!("GRANT UPDATE ({}) ON {} TO {};", ident(&column.name), table.sql(), ident(&table.role));
        format!("role `{}` may not update {name} ({grant})", table.role)
    } else if !binder.rights.updates_all {
        format!("row security keeps role `{}` from updating {}", table.role, table.display())
    } else {
        return Ok(());
    };
    let asked = binder.asks(field.class, Repair::Update)
        || (pending_label(binder, field).is_some() && binder.asks(Class::StaleStatus, Repair::Update));
    if asked {
        binder.warnings.push(format!("{}: {obstacle}, so its drift is reported and not repaired", binder.spec.kind));
    }
    Err(Withheld::NotWritable)
}

pub(super) async fn conditions(binder: &mut Binder<'_, '_>) -> Result<Vec<BoundCondition>, sqlx::Error> {
    let mut bound = Vec::new();
    let scope = binder.both_scope();
    for condition in &binder.spec.conditions {
        let mentioned = mentions(&condition.holds.text);
        binder.rely_on(&mentioned);
        binder.probe.condition(&condition.holds, &scope, "`holds`").await?;
        let db = binder.table.columns.iter().filter(|it| mentioned.db.contains(&it.name)).cloned().collect();
        let values = binder.spec.values.iter().map(|it| it.name.text.clone());
        bound.push(BoundCondition {
            name: condition.name.clone(),
            holds: condition.holds.text.clone(),
            priority: condition.priority,
            db,
            chain: values.filter(|it| mentioned.chain.contains(it)).collect(),
        });
    }
    Ok(bound)
}
