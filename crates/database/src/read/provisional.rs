//! Rows that wait for their real key: whether there are any, and what each of them could be.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use trueup_judge::{Candidate, ChainKey, EntityKind, RowIdentity};
use trueup_spec::{Contract, Source, Spec};

use super::event_match::{agrees, key_of};
use super::locate::hash_text;
use crate::bind::{Bound, BoundCreation, Column, columns_of};
use crate::error::{Blame, blame, sentence};
use crate::identity::{canonical_of, names_typed};
use crate::sql::literal;
use crate::{DatabaseError, Statements};

/// The most rows and candidates of one kind that are matched together.
const PAIRS_MAX: i64 = 200_000;

/// The ledger before which no transaction is: the first one that a network closes after its genesis.
const FIRST_LEDGER: i64 = 2;

/// A row that waits for its real key, with what is stored of events that may be that of its creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The row.
    pub row: RowIdentity,
    /// The keys that stored events of the row's own transaction name, and whether the row agrees with the event.
    pub of_transaction: Vec<(ChainKey, bool)>,
    /// See [`trueup_judge::Unresolved::candidates`].
    pub candidates: Vec<Candidate>,
    /// See [`trueup_judge::Unresolved::is_complete`].
    pub is_complete: bool,
}

/// Whether a row that is not exempt is provisional, and may still become an entity; none if the spec knows no such rows.
pub(crate) fn provisional_rows(bound: &Bound, kind: &EntityKind) -> Option<String> {
    let table = bound.table.sql();
    Some(format!("SELECT EXISTS (SELECT FROM {table} AS db WHERE {})", is_waiting(bound, kind)?))
}

/// Over `db`: not exempt, provisional, and not known to have failed.
fn is_waiting(bound: &Bound, kind: &EntityKind) -> Option<String> {
    let when = bound.provisional.as_ref()?;
    let filter = bound.filter.as_deref().unwrap_or("true");
    let is_provisional = format!("CASE WHEN (\n{filter}\n) THEN coalesce((\n{when}\n), false) ELSE false END");
    let Some(hash) = &bound.created_by else { return Some(is_provisional) };
    Some(format!(
        "{is_provisional} AND NOT EXISTS (SELECT FROM trueup.entities AS known WHERE known.kind = {} AND known.identity = {} AND known.creation_over = {})",
        literal(&kind.0),
        canonical_of(&bound.identity, "db"),
        hash_text(hash, "db")
    ))
}

/// The statement that lists the rows that wait, each with what it could be.
#[derive(Debug, Clone)]
pub(crate) struct WaitingRows {
    sql: String,
}

#[derive(FromRow)]
struct Row {
    identity: String,
    complete: bool,
    event: Option<String>,
    key: Option<String>,
    of_transaction: Option<bool>,
    agrees: Option<bool>,
    fits: Option<bool>,
}

impl WaitingRows {
    pub fn new(bound: &Bound, spec: &Spec) -> Option<Self> {
        let creation = bound.creation.as_ref()?;
        let contract = match (&spec.source, &bound.contract) {
            (_, Some(column)) => format!("{}::text", column.of("db")),
            (Source::Soroban(soroban), None) => match &soroban.contract {
                Contract::Fixed(contract) => format!("{}::text", literal(contract)),
                Contract::Column(_) => return None,
            },
            _ => return None,
        };
        let at = creation.event.as_ref().and_then(|event| event.at.as_ref());
        let found = creation.event.as_ref().map_or_else(nothing, |event| candidates(bound, event));
        let sql = format!(
            "WITH \"trueup:waiting\" AS MATERIALIZED (
  SELECT {identity} AS \"trueup:identity\", {hash} AS \"trueup:hash\", {contract} AS \"trueup:contract\", {at} AS \"trueup:at\", {columns}
  FROM {table} AS db WHERE {is_waiting}
  LIMIT {limit}
)
SELECT r.\"trueup:identity\" AS identity, coalesce({complete}, false) AS complete, p.event, p.key, p.of_transaction, p.agrees, p.fits
FROM \"trueup:waiting\" AS r
LEFT JOIN LATERAL ({found}) AS p ON p.of_transaction OR p.fits
LIMIT {limit}",
            identity = canonical_of(&bound.identity, "db"),
            hash = bound.created_by.as_ref().map_or_else(|| "NULL::text".to_owned(), |column| hash_text(column, "db")),
            at = at.map_or_else(|| "NULL::timestamptz".to_owned(), |column: &Column| column.shape.read_back(&column.of("db"))),
            columns = columns_of(&bound.fetched, "db"),
            table = bound.table.sql(),
            is_waiting = is_waiting(bound, &spec.kind)?,
            complete = creation.event.as_ref().map_or_else(|| "($1::timestamptz IS NULL)".to_owned(), is_complete),
            limit = PAIRS_MAX + 1,
        );
        Some(Self { sql })
    }

    /// The rows; or why they cannot be matched, where that lies with the table and not with the connection. `since` is
    /// when the events are at the latest to have been asked for at the chain's tip.
    pub async fn run(
        &self,
        pool: &PgPool,
        statements: &Statements,
        since: DateTime<Utc>,
    ) -> Result<Result<Vec<Waiting>, String>, DatabaseError> {
        statements.add();
        let rows: Vec<Row> = match sqlx::query_as(AssertSqlSafe(self.sql.as_str())).bind(since).fetch_all(pool).await {
            Ok(rows) => rows,
            Err(error) if matches!(blame(&error), Blame::Row) => return Ok(Err(sentence(&error))),
            Err(error) => return Err(error.into()),
        };
        if i64::try_from(rows.len()).unwrap_or(i64::MAX) > PAIRS_MAX {
            return Ok(Err(format!("there are more than {PAIRS_MAX} rows and events that could belong together")));
        }
        let mut waiting: BTreeMap<String, Waiting> = BTreeMap::new();
        for row in rows {
            let entry = waiting.entry(row.identity.clone()).or_insert_with(|| Waiting {
                row: RowIdentity(row.identity),
                of_transaction: Vec::new(),
                candidates: Vec::new(),
                is_complete: row.complete,
            });
            let (Some(event), Some(key)) = (row.event, row.key.map(ChainKey)) else { continue };
            if row.of_transaction == Some(true) {
                entry.of_transaction.push((key.clone(), row.agrees == Some(true)));
            }
            if row.fits == Some(true) {
                entry.candidates.push(Candidate { key, event });
            }
        }
        Ok(Ok(waiting.into_values().collect()))
    }
}

fn nothing() -> String {
    "SELECT NULL::text AS event, NULL::text AS key, false AS of_transaction, false AS agrees, false AS fits".to_owned()
}

/// Over `r`: the events of the row's own transaction, and those of the spec's name within its window.
fn candidates(bound: &Bound, event: &BoundCreation) -> String {
    let window = format!("make_interval(secs => {})", event.within_secs);
    let within = format!("e.closed_at BETWEEN r.\"trueup:at\" - {window} AND r.\"trueup:at\" + {window}");
    format!(
        "SELECT e.id AS event, k.key, coalesce(e.transaction = r.\"trueup:hash\", false) AS of_transaction, f.agrees,
         f.agrees AND coalesce({within}, false)
           AND NOT EXISTS (SELECT FROM {table} AS it WHERE {taken}) AS fits
  FROM trueup.events AS e CROSS JOIN LATERAL ({key}) AS k CROSS JOIN LATERAL (SELECT {agrees} AS agrees) AS f
  WHERE e.contract = r.\"trueup:contract\" AND e.name = {name} AND e.successful AND k.key IS NOT NULL
    AND (e.transaction = r.\"trueup:hash\" OR {within})",
        table = bound.table.sql(),
        taken = names_typed(&bound.key, "it", |index| format!("k.v{index}")),
        key = key_of(bound, event),
        agrees = agrees(event),
        name = literal(&event.name),
    )
}

/// Over `r`: whether every event that could be that of the row's creation is known, up to now: the cursor covers the
/// window, or stands at the tip of the chain since the run began; no hole reaches into it; and each event of the name
/// could be read.
fn is_complete(event: &BoundCreation) -> String {
    let window = format!("make_interval(secs => {})", event.within_secs);
    let (from, to) = (format!("r.\"trueup:at\" - {window}"), format!("r.\"trueup:at\" + {window}"));
    format!(
        "(SELECT (c.from_time <= {from} OR c.from_ledger <= {FIRST_LEDGER})
    AND (c.until_time >= {to} OR (c.next_ledger > c.tip_ledger AND c.updated_at >= $1::timestamptz))
    AND NOT EXISTS (SELECT FROM trueup.event_holes AS h WHERE h.contract = c.contract AND h.filled_at IS NULL
                    AND NOT coalesce(h.after_time >= {to}, false) AND NOT coalesce(h.before_time <= {from}, false))
    AND NOT EXISTS (SELECT FROM trueup.events AS e WHERE e.contract = c.contract AND e.name = {name} AND e.unreadable IS NOT NULL
                    AND e.closed_at BETWEEN {from} AND {to})
  FROM trueup.event_cursors AS c WHERE c.contract = r.\"trueup:contract\")",
        name = literal(&event.name),
    )
}
