//! Orders that one statement can execute together: they write the same columns, judged by the same columns.

use std::collections::{BTreeMap, HashSet};

use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::types::Json;
use sqlx::{FromRow, Postgres};
use trueup_judge::{Action, Proof};

use super::{Order, RepairOutcome};
use crate::bind::{Bound, Column};
use crate::identity::parts;
use crate::sql::{ident, list};

/// How many rows of other tables one new key may reach.
pub(super) const REFERENCES_PER_ROW_MAX: i64 = 10_000;

/// An order that can be tried.
#[derive(Debug, Clone)]
pub(super) struct Task<'o> {
    /// Its place among the orders.
    pub place: usize,
    pub order: &'o Order,
    /// The parts of the row's identity; for a new row, of its key.
    pub parts: Vec<String>,
    pub writes: &'o BTreeMap<String, Option<String>>,
}

/// Tasks for one statement, no two of the same row.
#[derive(Debug, Clone)]
pub(super) struct Group<'o> {
    pub write: Write,
    pub written: Vec<Column>,
    pub judged: Vec<Column>,
    pub tasks: Vec<Task<'o>>,
    rows: HashSet<&'o str>,
}

/// What a statement writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Update,
    Insert,
    /// The key of a row, and what refers to it.
    Resolve,
}

/// What the statement says of one task.
#[derive(Debug, FromRow)]
pub(super) struct Answer {
    /// From 1.
    pub ord: i64,
    /// The repair that this plan had before.
    pub prior: Option<i64>,
    /// The ledger below which an observation is refused.
    pub floor: Option<i64>,
    /// Columns that would not hold their value.
    pub lossy: Vec<String>,
    /// The audit's id, if the row was written.
    pub repair: Option<i64>,
    pub identity: Option<String>,
    pub altered: Option<bool>,
    /// Rows that the statement wrote in all.
    pub written: i64,
    /// Another row has the key that this one should get.
    #[sqlx(default)]
    pub taken: Option<String>,
    /// How many rows refer to the row's key, and how many were rewritten.
    #[sqlx(default)]
    pub referring: i64,
    #[sqlx(default)]
    pub rewritten: i64,
}

/// Sorts orders into groups, and says of the others why they cannot be tried.
pub(super) fn group<'o>(bound: &Bound, orders: &'o [Order]) -> (Vec<Group<'o>>, Vec<(usize, RepairOutcome)>) {
    let mut groups: Vec<Group<'o>> = Vec::new();
    let mut refused = Vec::new();
    for (place, order) in orders.iter().enumerate() {
        match task(bound, place, order) {
            Ok((task, group)) => {
                let row = row(order);
                let fits = |it: &&mut Group<'o>| it.is_alike(&group) && !it.rows.contains(row);
                let group = match groups.iter_mut().find(fits) {
                    Some(group) => group,
                    None => {
                        groups.push(group);
                        let last = groups.len() - 1;
                        &mut groups[last]
                    }
                };
                group.rows.insert(row);
                group.tasks.push(task);
            }
            Err(reason) => refused.push((place, RepairOutcome::Refused { reason })),
        }
    }
    (groups, refused)
}

fn row(order: &Order) -> &str {
    match (&order.identity, &order.chain_key) {
        (Some(identity), _) => &identity.0,
        (None, Some(key)) => &key.0,
        (None, None) => "",
    }
}

fn task<'o>(bound: &Bound, place: usize, order: &'o Order) -> Result<(Task<'o>, Group<'o>), String> {
    let (write, writes) = match &order.body.action {
        Action::Update { set } => (Write::Update, set),
        Action::Insert { row } => (Write::Insert, row),
        Action::Resolve { key, .. } => (Write::Resolve, key),
        Action::Report { .. } => return Err("the plan only reports".to_owned()),
    };
    let columns = |names: &mut dyn Iterator<Item = &String>| -> Result<Vec<Column>, String> {
        names
            .map(|name| {
                bound.table.column(name).cloned().ok_or_else(|| format!("{} has no column `{name}` any more", bound.table.display()))
            })
            .collect()
    };
    let parts = match (write == Write::Insert, &order.identity, &order.chain_key) {
        (false, Some(identity), _) => parts(&identity.0, bound.identity.len()),
        (true, _, Some(key)) => parts(&key.0, bound.key.len()),
        _ => return Err("the plan names no row".to_owned()),
    }
    .map_err(|error| error.message)?;
    let written = columns(&mut writes.keys())?;
    if written.is_empty() {
        return Err("the plan writes nothing".to_owned());
    }
    let judged = columns(&mut order.body.judged.keys())?;
    if write != Write::Insert && !writes.keys().all(|name| order.body.judged.contains_key(name)) {
        return Err("the plan does not say what the columns that it writes were when it was judged".to_owned());
    }
    let group = Group { write, written, judged, tasks: Vec::new(), rows: HashSet::new() };
    Ok((Task { place, order, parts, writes }, group))
}

impl Group<'_> {
    fn is_alike(&self, other: &Self) -> bool {
        let names = |columns: &[Column]| columns.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        self.write == other.write && names(&self.written) == names(&other.written) && names(&self.judged) == names(&other.judged)
    }

    /// The columns of the statement's input, in the order in which [`Self::bind`] binds them.
    pub fn input(&self, parts: usize) -> Vec<(String, &'static str)> {
        let fixed = [
            ("plan", "bigint"),
            ("run", "bigint"),
            ("job", "bigint"),
            ("lease", "bigint"),
            ("ledger", "bigint"),
            ("identity", "text"),
            ("chain_key", "text"),
            ("chain_entry", "text"),
            ("trace", "text"),
            ("actor", "text"),
            ("reason", "text"),
            ("drifts", "jsonb"),
            ("stamp", "jsonb"),
            ("judged", "jsonb"),
            ("before", "jsonb"),
            ("intended", "jsonb"),
            ("proof", "jsonb"),
        ];
        let numbered = |letter: char, count: usize| (0..count).map(move |index| (format!("{letter}{index}"), "text"));
        let fixed = fixed.into_iter().map(|(name, kind)| (name.to_owned(), kind));
        fixed.chain(numbered('p', parts)).chain(numbered('j', self.judged.len())).chain(numbered('s', self.written.len())).collect()
    }

    /// Binds the input of these tasks.
    pub fn bind<'q>(
        &self,
        mut query: QueryAs<'q, Postgres, Answer, PgArguments>,
        tasks: &'q [Task<'q>],
    ) -> QueryAs<'q, Postgres, Answer, PgArguments> {
        let number = |value: &dyn Fn(&Task<'_>) -> i64| tasks.iter().map(value).collect::<Vec<_>>();
        let text = |value: &dyn Fn(&Task<'_>) -> Option<String>| tasks.iter().map(value).collect::<Vec<_>>();
        query = query
            .bind(number(&|it| it.order.plan.0))
            .bind(number(&|it| it.order.run.0))
            .bind(number(&|it| it.order.job))
            .bind(number(&|it| it.order.lease))
            .bind(tasks.iter().map(|it| it.order.body.stamp.as_ref().map(|stamp| i64::from(stamp.ledger))).collect::<Vec<_>>())
            .bind(text(&|it| it.order.identity.as_ref().map(|it| it.0.clone())))
            .bind(text(&|it| it.chain_key()))
            .bind(text(&|it| it.order.chain_entry.clone()))
            .bind(text(&|it| it.order.trace.clone()))
            .bind(text(&|it| Some(it.order.actor.clone())))
            .bind(text(&|it| it.order.reason.clone()))
            .bind(tasks.iter().map(|it| Json(&it.order.body.drifts)).collect::<Vec<_>>())
            .bind(tasks.iter().map(|it| it.order.body.stamp.as_ref().map(Json)).collect::<Vec<_>>())
            .bind(tasks.iter().map(|it| Json(&it.order.body.judged)).collect::<Vec<_>>())
            .bind(tasks.iter().map(|it| Json(it.before())).collect::<Vec<_>>())
            .bind(tasks.iter().map(|it| Json(it.writes)).collect::<Vec<_>>())
            .bind(tasks.iter().map(|it| it.proof().map(Json)).collect::<Vec<_>>());
        let parts = tasks.first().map_or(0, |it| it.parts.len());
        for index in 0..parts {
            query = query.bind(tasks.iter().map(|it| it.parts[index].clone()).collect::<Vec<_>>());
        }
        for column in &self.judged {
            query = query.bind(text(&|it| it.order.body.judged.get(&column.name).cloned().flatten()));
        }
        for column in &self.written {
            query = query.bind(text(&|it| it.writes.get(&column.name).cloned().flatten()));
        }
        query
    }

    /// The names of the columns that would not hold what is to be written, as an array; over `i`.
    pub fn lossy(&self) -> String {
        let tests = self.written.iter().enumerate().map(|(index, column)| {
            let value = format!("i.s{index}");
            let stored = column.shape.read_back(&column.shape.stored(&column.type_sql, &value));
            let name = crate::sql::literal(&column.name);
            format!("CASE WHEN {stored} IS DISTINCT FROM {} THEN {name} END", column.shape.typed(&value))
        });
        format!("array_remove(ARRAY[{}]::text[], NULL)", list(tests))
    }

    /// The written columns as they are now, as JSON; over `db`.
    pub fn after(&self) -> String {
        as_json(self.written.iter())
    }

    /// The judged and the written columns likewise.
    pub fn left_behind(&self) -> String {
        let others = self.judged.iter().filter(|judged| self.written.iter().all(|it| it.name != judged.name));
        as_json(self.written.iter().chain(others))
    }

    /// `"a", "b"`: the written columns.
    pub fn written_names(&self) -> String {
        list(self.written.iter().map(|column| ident(&column.name)))
    }
}

/// Column to text, over `db`.
fn as_json<'c>(columns: impl Iterator<Item = &'c Column> + Clone) -> String {
    let names = list(columns.clone().map(|column| crate::sql::literal(&column.name)));
    let texts = list(columns.map(|column| format!("{}::text", column.of("db"))));
    format!("jsonb_object(ARRAY[{names}]::text[], ARRAY[{texts}]::text[])")
}

impl Task<'_> {
    /// The chain key of the row as it will be.
    fn chain_key(&self) -> Option<String> {
        match &self.order.body.action {
            Action::Resolve { chain_key, .. } => Some(chain_key.0.clone()),
            _ => self.order.chain_key.as_ref().map(|it| it.0.clone()),
        }
    }

    fn proof(&self) -> Option<&Proof> {
        match &self.order.body.action {
            Action::Resolve { proof, .. } => Some(proof),
            _ => None,
        }
    }

    /// What the written columns hold before an update: they were judged, so that it is known.
    fn before(&self) -> BTreeMap<&String, &Option<String>> {
        self.order.body.judged.iter().filter(|(name, _)| self.writes.contains_key(*name)).collect()
    }

    /// What the statement's answer means for the order.
    pub fn outcome(&self, answer: &Answer, group: &Group<'_>) -> RepairOutcome {
        let ledger = self.order.body.stamp.as_ref().map(|stamp| i64::from(stamp.ledger));
        if let Some(repair) = answer.prior {
            return RepairOutcome::AlreadyDone { repair };
        }
        if let (Some(repair), Some(identity)) = (answer.repair, answer.identity.clone()) {
            let identity = trueup_judge::RowIdentity(identity);
            return if answer.altered == Some(true) {
                RepairOutcome::Altered { repair, identity }
            } else {
                RepairOutcome::Repaired { repair, identity }
            };
        }
        match (answer.floor, ledger) {
            (Some(floor), Some(ledger)) if ledger < floor => return RepairOutcome::BehindFloor { floor },
            _ => {}
        }
        if let Some(other) = &answer.taken {
            let own = self.order.identity.as_ref().map_or("", |it| it.0.as_str());
            let key = self.chain_key().unwrap_or_default();
            return RepairOutcome::Refused { reason: format!("row `{other}` has the key `{key}` already, which is that of row `{own}`") };
        }
        if answer.referring > REFERENCES_PER_ROW_MAX {
            let reason = format!("{} rows refer to it; at most {REFERENCES_PER_ROW_MAX} are rewritten in one statement", answer.referring);
            return RepairOutcome::Refused { reason };
        }
        let Some(name) = answer.lossy.first() else { return RepairOutcome::Superseded };
        let kind = group.written.iter().find(|it| it.name == *name).map_or("", |it| it.type_sql.as_str());
        let value = self.writes.get(name).cloned().flatten().unwrap_or_default();
        RepairOutcome::Refused { reason: format!("column `{name}` ({kind}) cannot hold `{value}` exactly") }
    }
}
