//! A spec meets the database: every name is looked up, every expression prepared, all that is wrong is said at once.

mod bound;
mod catalog;
mod complaints;
mod enumeration;
mod events;
mod expression;
mod fields;
mod inserts;
mod keys;
mod provisional;
mod rights;
mod shape;
mod stability;
mod table;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use trueup_judge::{Class, Durability, Repair, Rules};
use trueup_spec::{Carrier, Contract, Name, Source, Spec};

pub(crate) use bound::{Bound, BoundField, BoundParents, NewValue};
pub(crate) use catalog::{Column, Relation, Table};
pub(crate) use provisional::{BoundCreation, BoundReferences, BoundTopic};
pub(crate) use shape::{Shape, carrier_text};
pub(crate) use stability::{Stability, stability};

use crate::sql::{Mentions, list, mentions};
use crate::{BindError, DatabaseError, Statements};
use complaints::{Complaints, names};
use expression::{Probe, Scope};
use rights::Rights;

/// A bound spec, and what its operator should know.
pub(crate) struct Binding {
    pub bound: Bound,
    pub rules: Rules,
    pub warnings: Vec<String>,
}

/// The columns that a spec's `[chain]` names.
#[derive(Default)]
struct SourceColumns {
    created_by: Option<Column>,
    hash: Option<Column>,
    submitted: Option<Column>,
    envelope: Option<Column>,
    contract: Option<Column>,
}

/// The state of a binding on its way.
struct Binder<'c, 's> {
    probe: Probe<'c, 's>,
    spec: &'s Spec,
    table: Table,
    rights: Rights,
    warnings: Vec<String>,
    /// Names of columns that are relied on.
    relied: BTreeSet<String>,
}

/// Binds a spec. Reads the catalog and prepares expressions; reads no row.
pub(crate) async fn bind(conn: &mut PgConnection, spec: &Spec, statements: &Statements) -> Result<Binding, BindError> {
    let mut complaints = Complaints::new(spec);
    let found = table::find(conn, statements, spec, &mut complaints).await.map_err(DatabaseError::from)?;
    let Some(table) = found else { return Err(complaints.into_errors().into()) };
    let rights = rights::rights(conn, statements, &table).await.map_err(DatabaseError::from)?;
    let probe = Probe { conn, statements, complaints };
    let binder = Binder { probe, spec, table, rights, warnings: Vec::new(), relied: BTreeSet::new() };
    binder.bind().await
}

impl Binder<'_, '_> {
    async fn bind(mut self) -> Result<Binding, BindError> {
        let spec = self.spec;
        table::check_visible(&mut self);
        let key: Vec<Option<Column>> = spec.key.iter().map(|name| self.relied_column(name)).collect();
        let identity = table::identity(&mut self);
        if key.iter().all(Option::is_some) {
            table::check_unique(&mut self);
        }
        let changed = spec.changed.as_ref().and_then(|name| self.moment(name, "`changed`"));
        self.conditions_over_row().await.map_err(DatabaseError::from)?;
        let arguments = keys::arguments(&mut self).await.map_err(DatabaseError::from)?;
        let SourceColumns { created_by, hash, submitted, envelope, contract } = self.columns_of_source();
        let also_contracts = self.contracts_of_further_entries();
        let fields = fields::bind(&mut self).await.map_err(DatabaseError::from)?;
        let conditions = fields::conditions(&mut self).await.map_err(DatabaseError::from)?;
        let insert = inserts::bind(&mut self, &fields).await.map_err(DatabaseError::from)?;
        let creation = provisional::bind(&mut self).await.map_err(DatabaseError::from)?;
        let (enumeration, keyless_events, parents) = match events::enumerating(spec) {
            Some(events) => (Some(events.keys), Some(events.keyless), None),
            None => {
                let (enumeration, parents) = enumeration::bind(&mut self).await.map_err(DatabaseError::from)?;
                (enumeration, None, parents)
            }
        };

        let judged: Vec<Column> = self.table.columns.iter().filter(|it| self.relied.contains(&it.name)).cloned().collect();
        let mut fetched = judged.clone();
        for column in [&changed, &submitted, &envelope].into_iter().flatten() {
            if !fetched.iter().any(|it| it.name == column.name) {
                fetched.push(column.clone());
            }
        }
        table::check_readable(&mut self, fetched.iter().chain(&identity));
        self.probe.complaints.check()?;

        let insert_complete = inserts::is_complete(&insert, &self.table, self.rights, spec, &mut self.warnings);
        let rules = Rules {
            durability: match &spec.source {
                Source::Soroban(soroban) => soroban.durability,
                _ => Durability::Persistent,
            },
            repair: spec.repair.clone(),
            grace_secs: spec.grace_secs,
            insert_complete,
        };
        let bound = Bound {
            identity,
            key: key.into_iter().flatten().collect(),
            filter: spec.filter.as_ref().map(|sql| sql.text.clone()),
            provisional: spec.provisional.as_ref().map(|it| it.when.text.clone()),
            creation,
            created_by,
            changed,
            fields,
            conditions,
            values: values(spec),
            arguments,
            contract,
            also_contracts,
            parents,
            hash,
            submitted,
            envelope,
            judged,
            fetched,
            insert,
            enumeration,
            keyless_events,
            table: self.table,
        };
        Ok(Binding { bound, rules, warnings: self.warnings })
    }

    /// A column that the spec names; if there is none, that is said.
    fn column(&mut self, name: &Name) -> Option<Column> {
        let found = self.table.column(&name.text).cloned();
        if found.is_none() {
            let columns = names(self.table.columns.iter().map(|it| it.name.as_str()));
            self.probe.complaints.add(
                name.at,
                format!("{} has no column `{}`", self.table.display(), name.text),
                Some(format!("it has {columns}")),
            );
        }
        found
    }

    /// A column that a repair relies on.
    fn relied_column(&mut self, name: &Name) -> Option<Column> {
        let column = self.column(name)?;
        self.relied.insert(column.name.clone());
        Some(column)
    }

    fn moment(&mut self, name: &Name, what: &str) -> Option<Column> {
        let column = self.column(name)?;
        if !matches!(column.shape, Shape::Timestamp | Shape::Timestamptz) {
            let message = format!("{what} must be a timestamp column; `{}` is {}", column.name, column.type_sql);
            self.probe.complaints.add(name.at, message, None);
        }
        Some(column)
    }

    fn rely_on(&mut self, mentions: &Mentions) {
        let mentioned = self.table.columns.iter().filter(|it| mentions.whole_row || mentions.names.contains(&it.name));
        self.relied.extend(mentioned.map(|it| it.name.clone()));
    }

    async fn conditions_over_row(&mut self) -> Result<(), sqlx::Error> {
        let spec = self.spec;
        let scope = self.row_scope();
        if let Some(filter) = &spec.filter {
            self.rely_on(&mentions(&filter.text));
            self.probe.condition(filter, &scope, "`where`").await?;
        }
        if let Some(provisional) = &spec.provisional {
            self.rely_on(&mentions(&provisional.when.text));
            self.probe.condition(&provisional.when, &scope, "`when`").await?;
        }
        Ok(())
    }

    fn columns_of_source(&mut self) -> SourceColumns {
        match &self.spec.source {
            source @ (Source::Soroban(_) | Source::AssetBalance(_) | Source::Account(_) | Source::View(_)) => {
                let contract = match source.contract() {
                    Some(Contract::Column(name)) => self.relied_column(name),
                    Some(Contract::Fixed(_)) | None => None,
                };
                // The transaction that creates the entity of a row.
                let creation = self.spec.provisional.as_ref();
                let created_by = creation.and_then(|it| it.transaction.as_ref()).and_then(|name| {
                    let column = self.relied_column(name);
                    self.text_or_bytes(column.as_ref(), name, "`transaction`");
                    column
                });
                // A row is written before its transaction is sent, so that its own time is no later.
                let submitted = creation.and_then(|it| it.submitted.as_ref().or(it.event.as_ref().and_then(|event| event.at.as_ref())));
                let submitted = submitted.and_then(|name| self.moment(name, "`submitted`"));
                let envelope = creation.and_then(|it| it.envelope.as_ref()).and_then(|name| {
                    let column = self.column(name);
                    self.text_or_bytes(column.as_ref(), name, "`envelope`");
                    column
                });
                if creation.is_some_and(|it| !it.expired.is_empty() && it.envelope.is_none()) {
                    self.warnings.push(format!(
                        "{}: no creation can be told to have expired without `envelope` in [provisional], so that `expired` is never written",
                        self.spec.kind
                    ));
                }
                SourceColumns { created_by, submitted, envelope, contract, hash: None }
            }
            Source::Transaction(transaction) => {
                let hash = self.relied_column(&transaction.hash);
                self.text_or_bytes(hash.as_ref(), &transaction.hash, "`hash`");
                let submitted = transaction.submitted.as_ref().and_then(|name| self.moment(name, "`submitted`"));
                let envelope = transaction.envelope.as_ref().and_then(|name| self.column(name));
                if let Some(name) = &transaction.envelope {
                    self.text_or_bytes(envelope.as_ref(), name, "`envelope`");
                } else if transaction.expired.is_some() || transaction.superseded.is_some() {
                    self.warnings.push(format!(
                        "{}: no transaction can be told to have expired or been superseded without `envelope`, so these labels are never written",
                        self.spec.kind
                    ));
                }
                SourceColumns { hash, submitted, envelope, ..SourceColumns::default() }
            }
        }
    }

    fn text_or_bytes(&mut self, column: Option<&Column>, name: &Name, what: &str) {
        if let Some(column) = column.filter(|it| !matches!(it.shape, Shape::Text | Shape::Bytea)) {
            let message = format!("{what} must be a text or bytea column; `{}` is {}", column.name, column.type_sql);
            self.probe.complaints.add(name.at, message, None);
        }
    }

    /// Where a further entry names a contract's column, that column; its place is that of the entry.
    fn contracts_of_further_entries(&mut self) -> Vec<Option<Column>> {
        let Source::Soroban(soroban) = &self.spec.source else { return Vec::new() };
        soroban
            .also
            .iter()
            .map(|entry| match &entry.contract {
                Some(Contract::Column(name)) => self.relied_column(name),
                _ => None,
            })
            .collect()
    }

    /// Only the row is visible, its columns also by their bare names.
    fn row_scope(&self) -> Scope {
        Scope {
            from: format!("FROM (SELECT it.* FROM {} AS it) AS db", self.table.sql()),
            help: format!("the columns of {} are {}", self.table.display(), names(self.table.columns.iter().map(|it| it.name.as_str()))),
        }
    }

    /// The row as `db` and the chain's values as `chain`.
    fn both_scope(&self) -> Scope {
        Scope {
            from: format!("FROM (SELECT it.* FROM {} AS it) AS db, {}", self.table.sql(), expression::chain_of_nulls(&values(self.spec))),
            help: format!("columns are written `db.name`, the chain's values `chain.name`: {}", self.value_names()),
        }
    }

    /// Only the chain's values are visible.
    fn chain_scope(&self) -> Scope {
        Scope {
            from: format!("FROM {}", expression::chain_of_nulls(&values(self.spec))),
            help: format!("the chain's values are written `chain.name`: {}", self.value_names()),
        }
    }

    fn value_names(&self) -> String {
        names(self.spec.values.iter().map(|it| it.name.text.as_str()))
    }

    /// Whether the spec asks for that repair of that class.
    fn asks(&self, class: Class, repair: Repair) -> bool {
        self.spec.repair.get(&class) == Some(&repair)
    }
}

/// Name and carrier of each value.
fn values(spec: &Spec) -> Vec<(String, Carrier)> {
    spec.values.iter().map(|value| (value.name.text.clone(), value.carrier)).collect()
}

/// `alias."a", alias."b"`.
pub(crate) fn columns_of<'a>(columns: impl IntoIterator<Item = &'a Column>, alias: &str) -> String {
    list(columns.into_iter().map(|column| column.of(alias)))
}
