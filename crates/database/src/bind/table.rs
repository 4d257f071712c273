//! The table of a spec: there, readable, with an identity for each row and at most one row for each key.

use sqlx::PgConnection;
use trueup_spec::{Source, Spec};

use super::catalog::{self, Column, Found, Relation, Table};
use super::complaints::{Complaints, names};
use super::{Binder, Shape};
use crate::Statements;
use crate::sql::{ident, list, plain_ident};

pub(super) async fn find(
    conn: &mut PgConnection,
    statements: &Statements,
    spec: &Spec,
    complaints: &mut Complaints<'_>,
) -> Result<Option<Table>, sqlx::Error> {
    let (schema, name, at) = (&spec.table.schema, &spec.table.table, spec.table.at);
    match catalog::find(conn, statements, schema, name).await? {
        Found::Table(table) => return Ok(Some(*table)),
        Found::NoUsage { role } => {
            let help = format!("GRANT USAGE ON SCHEMA {} TO {};", ident(schema), ident(&role));
            complaints.add(at, format!("role `{role}` may not use schema `{schema}`"), Some(help));
        }
        Found::NoTable => complaints.add(at, format!("{}.{} is neither a table nor a view", plain_ident(schema), plain_ident(name)), None),
        Found::Nothing { others } => {
            let others = names(
                others
                    .iter()
                    .map(|(schema, name)| format!("{}.{}", plain_ident(schema), plain_ident(name)))
                    .collect::<Vec<_>>()
                    .iter()
                    .map(String::as_str),
            );
            let help = if others.is_empty() {
                "check the name, its schema, and that the database address leads to the application's database".to_owned()
            } else {
                format!("there is {others}")
            };
            complaints.add(at, format!("the database has no table {}.{}", plain_ident(schema), plain_ident(name)), Some(help));
        }
    }
    Ok(None)
}

/// Rows that row security hides would be reported as missing.
pub(super) fn check_visible(binder: &mut Binder<'_, '_>) {
    if binder.rights.sees_all {
        return;
    }
    let (table, role) = (&binder.table, ident(&binder.table.role));
    let message = format!("row security may hide rows of {} from role `{}`", table.display(), table.role);
    let help = format!(
        "a hidden row would pass for a missing one. ALTER ROLE {role} BYPASSRLS; or, on each such table: CREATE POLICY trueup ON {} TO {role} USING (true) WITH CHECK (true);",
        table.sql()
    );
    binder.probe.complaints.add(binder.spec.table.at, message, Some(help));
}

/// The columns that say which row.
pub(super) fn identity(binder: &mut Binder<'_, '_>) -> Vec<Column> {
    let table = &binder.table;
    if let Some(primary_key) = table.primary_key() {
        return primary_key.iter().filter_map(|name| table.column(name).cloned()).collect();
    }
    if table.relation == Relation::Table {
        let message = format!("{} has no primary key", table.display());
        let key = list(binder.spec.key.iter().map(|it| ident(&it.text)));
        let help = format!(
            "trueup names a row by its primary key. ALTER TABLE {} ADD PRIMARY KEY ({key}); or use a view of the table, which is reported on and never written",
            table.sql()
        );
        binder.probe.complaints.add(binder.spec.table.at, message, Some(help));
    } else {
        binder.warnings.push(format!(
            "{}: {} has no primary key, so a row is named by its key; it is reported on and never written",
            binder.spec.kind,
            table.display()
        ));
    }
    binder.spec.key.iter().filter_map(|name| table.column(&name.text).cloned()).collect()
}

/// Two rows with one key would be two answers to one question. Not so for transactions: what became of one may be
/// written in several rows.
pub(super) fn check_unique(binder: &mut Binder<'_, '_>) {
    let (table, spec) = (&binder.table, binder.spec);
    if matches!(spec.source, Source::Transaction(_)) {
        return;
    }
    if table.relation != Relation::Table && table.indexes.is_empty() {
        return;
    }
    let within_key = |columns: &[String]| columns.iter().all(|column| spec.key.iter().any(|it| it.text == *column));
    let mut covering = table.indexes.iter().filter(|index| within_key(&index.columns)).peekable();
    if covering.peek().is_none() {
        let columns = list(spec.key.iter().map(|it| ident(&it.text)));
        let message = format!("the key {} is not unique in {}", names(spec.key.iter().map(|it| it.text.as_str())), table.display());
        let help = format!("two rows could claim one chain entry. ALTER TABLE {} ADD UNIQUE ({columns});", table.sql());
        binder.probe.complaints.add(spec.key[0].at, message, Some(help));
    } else if covering.all(|index| index.is_partial) {
        binder.warnings.push(format!(
            "{}: the key is unique only in a part of {}; rows outside that part should be outside `where` too",
            spec.kind,
            table.display()
        ));
    }
}

/// SELECT on what statements read.
pub(super) fn check_readable<'a>(binder: &mut Binder<'_, '_>, columns: impl Iterator<Item = &'a Column>) {
    let mut denied: Vec<String> = columns.filter(|it| !it.may_select).map(|it| ident(&it.name)).collect();
    denied.sort();
    denied.dedup();
    if denied.is_empty() {
        return;
    }
    let table = &binder.table;
    let message =
        format!("role `{}` may not read {} of {}", table.role, names(denied.iter().map(|it| it.trim_matches('"'))), table.display());
    let help = format!("GRANT SELECT ON {} TO {};", table.sql(), ident(&table.role));
    binder.probe.complaints.add(binder.spec.table.at, message, Some(help));
}

/// JSON is compared by way of an expression that takes something out of it.
pub(super) fn hint_for(shape: Shape, column: &str) -> String {
    match shape {
        Shape::Json | Shape::Jsonb => {
            format!("give the value `type = \"jsonb\"`, or say what to compare, as in read = \"db.{}->>'name'\"", plain_ident(column))
        }
        Shape::Timestamp | Shape::Timestamptz | Shape::Date => "give the value `type = \"timestamptz\"`".to_owned(),
        Shape::Integer | Shape::Numeric | Shape::Float => "give the value `type = \"numeric\"`".to_owned(),
        Shape::Bool => "give the value `type = \"bool\"`".to_owned(),
        Shape::Bytea => "give the value `type = \"bytea\"`, or \"text\" for its hex digits".to_owned(),
        Shape::Interval | Shape::Uuid | Shape::Text | Shape::Enum | Shape::Other => {
            "give the value `type = \"text\"`, or say with `read` what to compare".to_owned()
        }
    }
}
