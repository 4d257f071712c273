//! Rows against the chain's values: these go in as arrays, and only what differs comes out.

use std::collections::BTreeMap;
use std::ops::Range;

use sqlx::{AssertSqlSafe, FromRow, PgPool};
use trueup_judge::{Class, Difference, EntityKind, RowFacts, RowIdentity, Withheld};
use trueup_spec::{Carrier, Tolerance};

use super::altered;
use super::bisect::bisect;
use super::input::{Batch, chain_scope, db_scope, part_array, part_columns, passed, provisional, rows, value_columns, where_filter};
use super::locate::{epoch, place};
use super::range::{RowRange, Spread};
use crate::bind::{Bound, BoundField, carrier_text};
use crate::sql::{ident, list, literal};
use crate::statements::Reading;
use crate::{Compare, Compared, DatabaseError, RowError, Statements};

/// The statement that compares rows.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    kind: EntityKind,
    sql: Spread,
    identity_columns: usize,
    values: usize,
    judged: Vec<String>,
    subjects: Vec<Subject>,
}

/// What a difference may be about: a field or a condition, in the order of the statement's arrays.
#[derive(Debug, Clone)]
struct Subject {
    class: Class,
    /// See [`BoundField::pending`].
    pending: Option<String>,
    column: Option<String>,
    name: String,
    writable: Result<(), Withheld>,
}

#[derive(FromRow)]
struct Row {
    ord: i64,
    provisional: bool,
    key: Option<String>,
    age: Option<i64>,
    judged: Vec<Option<String>>,
    held: Vec<String>,
    altered: Option<serde_json::Value>,
    differs: Option<Vec<bool>>,
    db: Option<Vec<Option<String>>>,
    chain: Option<Vec<Option<String>>>,
    set: Option<Vec<Option<String>>>,
    unmapped: Option<Vec<bool>>,
}

impl Comparison {
    pub fn new(bound: &Bound, kind: &EntityKind) -> Self {
        let mut input = part_columns(bound.identity.len());
        input.push(("identity".to_owned(), "text"));
        input.push(("present".to_owned(), "bool"));
        input.extend(value_columns(bound.values.len()));
        // Nearly all rows are in sync, and nothing more is asked of these: texts are made of what differs alone.
        let statement = |lie: &str| {
            format!(
                "{rows}\nSELECT r.\"trueup:ord\" AS ord, r.\"trueup:provisional\" AS provisional, r.\"trueup:differs\" AS differs, facts.*, d.*,\n  \
             ARRAY(SELECT h.column_name FROM trueup.holds AS h WHERE h.kind = {kind} AND h.identity = r.\"trueup:identity\") AS held,\n  {altered} AS altered\n\
             FROM (\n  SELECT r.*, w.provisional AS \"trueup:provisional\", d.differs AS \"trueup:differs\" FROM \"trueup:rows\" AS r\n  \
             CROSS JOIN LATERAL (SELECT {provisional} AS provisional FROM {db}{filter} OFFSET 0) AS w\n  LEFT JOIN LATERAL ({differing}) AS d ON true\n  \
             WHERE NOT r.\"trueup:present\" OR w.provisional OR true = ANY (d.differs) OFFSET 0\n) AS r\n\
             CROSS JOIN LATERAL ({facts}) AS facts\nLEFT JOIN LATERAL ({differences}) AS d ON true\nORDER BY 1",
                rows = rows(bound, &input, lie),
                kind = literal(&kind.0),
                altered = altered::of_row(bound, kind, "r.\"trueup:identity\""),
                provisional = provisional(bound),
                db = db_scope(bound),
                filter = where_filter(bound),
                differing = differing(bound),
                facts = facts(bound),
                differences = differences(bound),
            )
        };
        Self {
            kind: kind.clone(),
            sql: Spread::new(bound, input.len() + 1, statement),
            identity_columns: bound.identity.len(),
            values: bound.values.len(),
            judged: bound.judged.iter().map(|column| column.name.clone()).collect(),
            subjects: subjects(bound),
        }
    }

    pub async fn run(
        &self,
        pool: &PgPool,
        statements: &Statements,
        rows: &[Compare],
        lie: Option<&RowRange>,
    ) -> Result<Vec<(RowIdentity, Result<Compared, RowError>)>, DatabaseError> {
        let (sql, edges) = match self.sql.over(lie) {
            Ok(statement) => statement,
            Err(error) => return Ok(rows.iter().map(|row| (row.identity.clone(), Err(error.clone()))).collect()),
        };
        let edges = &edges;
        let batch = Batch::new(rows, self.identity_columns, |it| it.identity.0.as_str());
        let items = &batch.items;
        let answers = bisect(items.len(), |range: Range<usize>| {
            Box::pin(async move {
                let part = &items[range.clone()];
                let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(sql));
                for index in 0..self.identity_columns {
                    query = query.bind(part_array(part, index));
                }
                query = query.bind(part.iter().map(|(row, _)| row.identity.0.clone()).collect::<Vec<_>>());
                query = query.bind(part.iter().map(|(row, _)| row.values.is_some()).collect::<Vec<_>>());
                for index in 0..self.values {
                    query = query.bind(part.iter().map(|(row, _)| value(row, index)).collect::<Vec<_>>());
                }
                for edge in edges {
                    query = query.bind(edge);
                }
                let mut connection = pool.acquire().await?;
                let running = statements.begin(&self.kind, Reading::Compare);
                let rows = query.fetch_all(&mut *connection).await?;
                running.answered(range.len());
                Ok(rows.into_iter().map(|row| (range.start + place(row.ord), row)).collect())
            })
        })
        .await?;
        let mut compared: Vec<_> =
            answers.into_iter().map(|(index, row)| (items[index].0.identity.clone(), row.and_then(|row| self.read(row)))).collect();
        compared.extend(batch.malformed.into_iter().map(|(row, error)| (row.identity.clone(), Err(error))));
        Ok(compared)
    }

    fn read(&self, row: Row) -> Result<Compared, RowError> {
        let differs = row.differs.unwrap_or_default();
        let [db, chain, set] = [row.db, row.chain, row.set].map(Option::unwrap_or_default);
        let unmapped = row.unmapped.unwrap_or_default();
        let differences =
            self.subjects.iter().enumerate().filter(|(index, _)| differs.get(*index) == Some(&true)).map(|(index, subject)| {
                let db = db.get(index).cloned().flatten();
                let is_unmapped = unmapped.get(index) == Some(&true);
                let is_decided = subject.pending.is_some() && db != subject.pending;
                Difference {
                    class: if is_decided { Class::StaleStatus } else { subject.class },
                    column: subject.column.clone(),
                    field: subject.name.clone(),
                    db,
                    chain: chain.get(index).cloned().flatten(),
                    set: set.get(index).cloned().flatten(),
                    writable: if is_unmapped { Err(Withheld::Unmapped) } else { subject.writable },
                }
            });
        Ok(Compared {
            differences: differences.collect(),
            facts: RowFacts {
                provisional: row.provisional,
                key: row.key,
                changed_secs_ago: row.age,
                judged: self.judged.iter().cloned().zip(row.judged).collect::<BTreeMap<_, _>>(),
                held: row.held.into_iter().collect(),
                altered: altered::read(row.altered)?,
            },
        })
    }
}

fn value(row: &Compare, index: usize) -> Option<&str> {
    row.values.as_ref()?.get(index)?.as_deref()
}

fn subjects(bound: &Bound) -> Vec<Subject> {
    let fields = bound.fields.iter().map(|field| Subject {
        class: field.class,
        pending: field.pending.clone(),
        column: Some(field.column.name.clone()),
        name: field.column.name.clone(),
        writable: field.writable,
    });
    let conditions = bound.conditions.iter().map(|condition| Subject {
        class: Class::ConditionViolated,
        pending: None,
        column: None,
        name: condition.name.clone(),
        writable: Err(Withheld::NeedsPerson),
    });
    fields.chain(conditions).collect()
}

/// What the row says apart from its differences.
fn facts(bound: &Bound) -> String {
    let key = match bound.key.as_slice() {
        [column] => format!("{}::text", column.of("db")),
        columns => format!("concat_ws(', ', {})", list(columns.iter().map(|column| format!("{}::text", column.of("db"))))),
    };
    format!(
        "SELECT {key} AS key, {age} AS age, ARRAY[{judged}]::text[] AS judged FROM {db} OFFSET 0",
        age = bound.changed.as_ref().map_or_else(
            || "NULL::bigint".to_owned(),
            // Infinity is a time to come, like any other that is still ahead.
            |column| {
                let (name, epoch) = (column.of("db"), epoch(column));
                format!(
                    "CASE WHEN {name} = 'infinity' THEN 0::bigint ELSE floor(extract(epoch FROM clock_timestamp()))::bigint - {epoch} END"
                )
            }
        ),
        judged = list(bound.judged.iter().map(|column| format!("{}::text", column.of("db")))),
        db = db_scope(bound),
    )
}

/// The values of both sides, `l.d0`, `c.r0` and so on: each side is evaluated where only it can be seen.
fn sides(bound: &Bound) -> String {
    let db_side = list(bound.fields.iter().enumerate().map(|(index, field)| format!("{} AS d{index}", field.db)));
    let chain_side = list(bound.fields.iter().enumerate().map(|(index, field)| format!("{} AS r{index}", field.raw)));
    format!(
        "(SELECT {db_side} FROM {db} OFFSET 0) AS l,\n  (SELECT {chain_side} FROM {chain} OFFSET 0) AS c",
        db = db_scope(bound),
        chain = chain_of(bound)
    )
}

fn chain_of(bound: &Bound) -> String {
    chain_scope(bound, |index| format!("r.{}", ident(&passed(&format!("v{index}")))))
}

/// Which of a row's subjects differ; no row where nothing can be said.
fn differing(bound: &Bound) -> String {
    let broken =
        list(bound.conditions.iter().enumerate().map(|(index, condition)| format!("((\n{}\n) IS FALSE) AS k{index}", condition.holds)));
    let fields = bound.fields.iter().enumerate().map(|(index, field)| differs(index, field));
    let conditions = (0..bound.conditions.len()).map(|index| format!("b.k{index}"));
    format!(
        "\n  SELECT ARRAY[{differs}]::bool[] AS differs\n  \
         FROM {sides},\n  (SELECT {broken} FROM {db}, {chain} OFFSET 0) AS b\n  \
         WHERE r.\"trueup:present\" AND NOT w.provisional\n  OFFSET 0\n",
        differs = list(fields.chain(conditions)),
        sides = sides(bound),
        db = db_scope(bound),
        chain = chain_of(bound),
    )
}

/// What the subjects of a row that differs are on either side, as texts, and what is to be written.
fn differences(bound: &Bound) -> String {
    let fields = || bound.fields.iter().enumerate();
    let conditions = || bound.conditions.iter().enumerate();
    let writes = fields().filter_map(|(index, field)| field.write.as_ref().map(|write| (index, write)));
    let written = writes.map(|(index, (sql, shape))| {
        let sql = shape.read_back(&format!("(\n{sql}\n)"));
        format!("{} AS w{index}", carrier_text(shape.native(), &sql))
    });
    let held = conditions().map(|(index, condition)| {
        let db = list(condition.db.iter().map(|column| format!("{}, {}::text", literal(&column.name), column.of("db"))));
        let chain = list(condition.chain.iter().map(|name| format!("{}, chain.{}::text", literal(name), ident(name))));
        format!("json_build_object({db})::text AS kd{index}, json_build_object({chain})::text AS kc{index}")
    });
    let db_texts = fields().map(|(index, field)| carrier_text(field.carrier, &format!("l.d{index}")));
    let chain_texts = fields().map(|(index, field)| chain_text(index, field));
    let set_texts = fields().map(|(index, field)| match field.write {
        Some(_) => format!("b.w{index}"),
        None => chain_text(index, field),
    });
    let unmapped = fields().map(|(index, field)| field.unmapped(&format!("c.r{index}"))).chain(conditions().map(|_| "false".to_owned()));
    format!(
        "\n  SELECT ARRAY[{db_texts}]::text[] AS db, ARRAY[{chain_texts}]::text[] AS chain, ARRAY[{set_texts}]::text[] AS set, ARRAY[{unmapped}]::bool[] AS unmapped\n  \
         FROM {sides},\n  (SELECT {both} FROM {db}, {chain} OFFSET 0) AS b\n  \
         WHERE r.\"trueup:differs\" IS NOT NULL\n  OFFSET 0\n",
        db_texts = list(db_texts.chain(conditions().map(|(index, _)| format!("b.kd{index}")))),
        chain_texts = list(chain_texts.chain(conditions().map(|(index, _)| format!("b.kc{index}")))),
        set_texts = list(set_texts),
        unmapped = list(unmapped),
        sides = sides(bound),
        both = list(written.chain(held)),
        db = db_scope(bound),
        chain = chain_of(bound),
    )
}

fn differs(index: usize, field: &BoundField) -> String {
    let (db, raw) = (format!("l.d{index}"), format!("c.r{index}"));
    let chain = field.mapped(&raw);
    let differ = match (&field.tolerance, field.carrier) {
        (Some(tolerance), Carrier::Numeric) => {
            let exceeds = match tolerance {
                Tolerance::Absolute(limit) => format!("abs({db} - {chain}) > {}::numeric", literal(limit)),
                // Multiplied, not divided: a quotient would be rounded.
                Tolerance::Percent(limit) => format!("abs({db} - {chain}) * 100 > {}::numeric * abs({chain})", literal(limit)),
            };
            format!("(({db} IS NULL) <> ({chain} IS NULL) OR coalesce({exceeds}, false))")
        }
        // Whatever the column's collation takes for equal.
        (_, Carrier::Text) => format!("(({db} COLLATE \"C\") IS DISTINCT FROM ({chain}))"),
        _ => format!("({db} IS DISTINCT FROM {chain})"),
    };
    format!("({} OR {differ})", field.unmapped(&raw))
}

/// The chain's side; the raw label where it has no counterpart.
fn chain_text(index: usize, field: &BoundField) -> String {
    let raw = format!("c.r{index}");
    let mapped = carrier_text(field.carrier, &field.mapped(&raw));
    if field.map.is_empty() {
        return mapped;
    }
    format!("CASE WHEN {} THEN {} ELSE {mapped} END", field.unmapped(&raw), carrier_text(field.raw_carrier, &raw))
}
