//! `[provisional]` meets the database: the columns that say which event is whose, and the tables that a new key
//! reaches.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, FromRow};
use trueup_judge::{Class, ProvisionalRules, Repair, Withheld};
use trueup_spec::{EventPath, FieldValue, Name, Provisional, Reference, Source, Topic};

use super::catalog::{self, Column, Found, Relation, Table};
use super::complaints::names;
use super::{Binder, rights};
use crate::error::sentence;
use crate::sql::{ident, literal, plain_ident};

/// How a row finds its key.
#[derive(Debug, Clone)]
pub(crate) struct BoundProvisional {
    /// The event of the creation.
    pub event: Option<BoundCreation>,
    /// What a new key reaches, one table each.
    pub references: Vec<BoundReferences>,
    pub rules: ProvisionalRules,
}

/// The event of the creation.
#[derive(Debug, Clone)]
pub(crate) struct BoundCreation {
    /// The first topic.
    pub name: String,
    /// The others, from the second.
    pub topics: Vec<BoundTopic>,
    /// Where the key is, by key column.
    pub id: Vec<EventPath>,
    /// Column, place, and decimals of the integer there.
    pub matches: Vec<(Column, EventPath, u32)>,
    /// When the row was created; none where the spec does not say, which is an error of the spec.
    pub at: Option<Column>,
    pub within_secs: i64,
}

#[derive(Debug, Clone)]
pub(crate) enum BoundTopic {
    Symbol(String),
    Column(Column),
}

/// A table whose rows refer to the key.
#[derive(Debug, Clone)]
pub(crate) struct BoundReferences {
    pub table: Table,
    /// Its primary key.
    pub identity: Vec<Column>,
    /// The columns that hold the key.
    pub columns: Vec<Column>,
}

/// A foreign key to a key column.
#[derive(FromRow)]
struct ForeignKey {
    schema: String,
    table: String,
    columns: Vec<String>,
    /// `a` no action, `r` restrict, `c` cascade, `n` set null, `d` set default.
    on_update: String,
}

pub(super) async fn bind(binder: &mut Binder<'_, '_>) -> Result<Option<BoundProvisional>, sqlx::Error> {
    let spec = binder.spec;
    let (Some(provisional), Source::Soroban(_)) = (&spec.provisional, &spec.source) else { return Ok(None) };
    let event = event(binder, provisional);
    let references = references(binder, &provisional.references).await?;
    let failed = state(binder, &provisional.failed).await?;
    let expired = state(binder, &provisional.expired).await?;
    let obstacle = obstacle(binder, &references).await?;
    if let Some(obstacle) = &obstacle
        && binder.asks(Class::ProvisionalId, Repair::Resolve)
    {
        binder.warnings.push(format!("{}: {obstacle}, so that no row gets its real key", spec.kind));
    }
    let rules = ProvisionalRules {
        key: spec.key.iter().map(|name| name.text.clone()).collect(),
        writable: obstacle.map_or(Ok(()), |_| Err(Withheld::NotWritable)),
        failed,
        expired,
    };
    Ok(Some(BoundProvisional { event, references, rules }))
}

fn event(binder: &mut Binder<'_, '_>, provisional: &Provisional) -> Option<BoundCreation> {
    let event = provisional.event.as_ref()?;
    let mut topics = event.topics.iter();
    let Some(Topic::Symbol(name)) = topics.next() else { return None };
    let topics: Vec<Option<BoundTopic>> = topics
        .map(|topic| match topic {
            Topic::Symbol(symbol) => Some(BoundTopic::Symbol(symbol.clone())),
            Topic::Column(name) => binder.relied_column(name).map(BoundTopic::Column),
        })
        .collect();
    let matches: Vec<Option<_>> = event
        .matches
        .iter()
        .map(|it| {
            let decimals = it.decimals.unwrap_or_else(|| decimals_of(binder, &it.column));
            binder.relied_column(&it.column).map(|column| (column, it.at.clone(), decimals))
        })
        .collect();
    let at = match &event.at {
        Some(name) => {
            let column = binder.moment(name, "`at` in `event`");
            binder.relied.extend(column.iter().map(|it| it.name.clone()));
            column
        }
        None => binder.spec.changed.as_ref().and_then(|name| binder.table.column(&name.text).cloned()),
    };
    Some(BoundCreation {
        name: name.clone(),
        topics: topics.into_iter().collect::<Option<_>>()?,
        id: event.id.clone(),
        matches: matches.into_iter().collect::<Option<_>>()?,
        at,
        within_secs: event.within_secs,
    })
}

/// As many decimals as the value that the column is compared with: both come from the same contract.
fn decimals_of(binder: &Binder<'_, '_>, column: &Name) -> u32 {
    let field = binder.spec.fields.iter().find(|field| field.column.text == column.text && field.read.is_none());
    match field.map(|field| &field.value) {
        Some(FieldValue::Value(index)) => binder.spec.values.get(*index).map_or(0, |value| value.decimals),
        _ => 0,
    }
}

/// What a row is set to, each text as its column prints it.
async fn state(binder: &mut Binder<'_, '_>, set: &[(Name, String)]) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let mut state = BTreeMap::new();
    for (name, text) in set {
        let Some(column) = binder.relied_column(name) else { continue };
        if column.computed || !column.may_update {
            let what = if column.computed { "takes no values" } else { "may not be written by this role" };
            binder.probe.complaints.add(name.at, format!("column `{}` {what}", column.name), None);
            continue;
        }
        binder.probe.statements.add();
        let sql = format!("SELECT ({}::text)::{}::text", literal(text), column.type_sql);
        match sqlx::query_scalar::<_, Option<String>>(AssertSqlSafe(sql)).fetch_one(&mut *binder.probe.conn).await {
            Ok(canonical) => drop(state.insert(column.name, canonical.unwrap_or_default())),
            Err(error) if error.as_database_error().is_some() => {
                let message = format!("column `{}` ({}) does not take `{text}`: {}", column.name, column.type_sql, sentence(&error));
                binder.probe.complaints.add(name.at, message, None);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(state)
}

/// The tables that refer to the key, each once.
async fn references(binder: &mut Binder<'_, '_>, wanted: &[Reference]) -> Result<Vec<BoundReferences>, sqlx::Error> {
    let mut bound: Vec<BoundReferences> = Vec::new();
    for reference in wanted {
        let (schema, name) = (&reference.table.schema, &reference.table.table);
        let shown = format!("{}.{}", plain_ident(schema), plain_ident(name));
        let Found::Table(table) = catalog::find(binder.probe.conn, binder.probe.statements, schema, name).await? else {
            let message = format!("the database has no table {shown} that this role may use");
            binder.probe.complaints.add(reference.table.at, message, None);
            continue;
        };
        let Some(column) = table.column(&reference.column.text).cloned() else {
            let help = format!("it has {}", names(table.columns.iter().map(|it| it.name.as_str())));
            binder.probe.complaints.add(reference.column.at, format!("{shown} has no column `{}`", reference.column.text), Some(help));
            continue;
        };
        match bound.iter_mut().find(|it| it.table.oid == table.oid) {
            Some(known) if known.columns.iter().any(|it| it.name == column.name) => {}
            Some(known) => known.columns.push(column),
            None => {
                let identity = table.primary_key().into_iter().flatten().filter_map(|name| table.column(name).cloned()).collect();
                bound.push(BoundReferences { table: *table, identity, columns: vec![column] });
            }
        }
    }
    Ok(bound)
}

/// Why no row of the table can get a new key.
async fn obstacle(binder: &mut Binder<'_, '_>, references: &[BoundReferences]) -> Result<Option<String>, sqlx::Error> {
    let (table, spec) = (&binder.table, binder.spec);
    let key: Vec<&Column> = spec.key.iter().filter_map(|name| table.column(&name.text)).collect();
    if table.relation != Relation::Table {
        return Ok(Some(format!("{} is not a table", table.display())));
    }
    if let Some(column) = key.iter().find(|it| it.computed || !it.may_update) {
        return Ok(Some(match column.computed {
            true => format!("key column `{}` is generated", column.name),
            false => denied(table, column),
        }));
    }
    if !binder.rights.updates_all {
        return Ok(Some(format!("row security keeps role `{}` from updating {}", table.role, table.display())));
    }
    for reference in references {
        let rights = rights::rights(binder.probe.conn, binder.probe.statements, &reference.table).await?;
        if let Some(obstacle) = obstacle_of(reference, binder.table.oid, rights) {
            return Ok(Some(obstacle));
        }
    }
    let foreign = foreign_keys(binder).await?;
    for it in foreign {
        let declared = references.iter().any(|known| {
            known.table.schema == it.schema
                && known.table.name == it.table
                && it.columns.iter().all(|name| known.columns.iter().any(|column| column.name == *name))
        });
        let shown = format!("{}.{}.{}", plain_ident(&it.schema), plain_ident(&it.table), it.columns.join(", "));
        match it.on_update.as_str() {
            _ if declared => {}
            // Nobody could say afterwards which rows were rewritten. A key of several columns has no other way.
            "c" if spec.key.len() > 1 => {}
            "c" => return Ok(Some(format!("{shown} follows the key by ON UPDATE CASCADE and is not among `references`: add it there"))),
            "n" | "d" => return Ok(Some(format!("{shown} would lose its value when the key changes (ON UPDATE SET …)"))),
            _ if binder.asks(Class::ProvisionalId, Repair::Resolve) => binder.warnings.push(format!(
                "{}: {shown} refers to the key and is not among `references`, so that a row with such references keeps its made-up key",
                spec.kind
            )),
            _ => {}
        }
    }
    Ok(None)
}

fn obstacle_of(reference: &BoundReferences, own: i64, rights: rights::Rights) -> Option<String> {
    let table = &reference.table;
    if table.oid == own {
        return Some(format!("`references` names {} itself, and one statement writes a row once", table.display()));
    }
    if table.relation != Relation::Table {
        return Some(format!("{}, which `references` names, is not a table", table.display()));
    }
    if reference.identity.is_empty() {
        return Some(format!("{}, which `references` names, has no primary key to say which rows were rewritten", table.display()));
    }
    if !rights.updates_all {
        return Some(format!("row security keeps role `{}` from updating {}", table.role, table.display()));
    }
    if let Some(column) = reference.columns.iter().find(|it| it.computed || !it.may_update) {
        return Some(match column.computed {
            true => format!("{}.{} is generated", table.display(), plain_ident(&column.name)),
            false => denied(table, column),
        });
    }
    let hidden = reference.columns.iter().chain(&reference.identity).find(|it| !it.may_select);
    hidden.map(|column| format!("role `{}` may not read `{}` of {}", table.role, column.name, table.display()))
}

fn denied(table: &Table, column: &Column) -> String {
    format!(
        "role `{}` may not update {}.{} (GRANT UPDATE ({}) ON {} TO {};)",
        table.role,
        table.display(),
        plain_ident(&column.name),
        ident(&column.name),
        table.sql(),
        ident(&table.role)
    )
}

/// Foreign keys of any table to a column of the key.
async fn foreign_keys(binder: &mut Binder<'_, '_>) -> Result<Vec<ForeignKey>, sqlx::Error> {
    binder.probe.statements.add();
    sqlx::query_as(
        "SELECT n.nspname::text AS schema, c.relname::text AS table, k.confupdtype::text AS on_update,
                ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS it (number, place)
                      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = it.number ORDER BY place) AS columns
         FROM pg_catalog.pg_constraint AS k
         JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         WHERE k.contype = 'f' AND k.confrelid = $1::bigint::oid AND k.conparentid = 0
           AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                       WHERE a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey) AND a.attname::text = ANY ($2))
         ORDER BY 1, 2, 4",
    )
    .bind(binder.table.oid)
    .bind(binder.spec.key.iter().map(|name| name.text.clone()).collect::<Vec<_>>())
    .fetch_all(&mut *binder.probe.conn)
    .await
}
