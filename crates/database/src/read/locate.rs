//! What rows say of their places on chain.

use std::ops::Range;

use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use trueup_judge::{ChainKey, EntityKind, RowIdentity};

use super::bisect::bisect;
use super::input::{Batch, db_scope, marked_rows, part_array, part_columns, provisional, where_filter};
use super::range::{RowRange, Spread};
use crate::bind::{Bound, Column, Shape, Stability};
use crate::identity::canonical_of;
use crate::sql::{list, literal};
use crate::statements::Reading;
use crate::{DatabaseError, Located, RowError, Statements};

/// The hex digits of a transaction hash.
const HASH_DIGITS: usize = 64;

/// The statement that locates rows.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    kind: EntityKind,
    sql: Spread,
    identity_columns: usize,
    key_columns: usize,
}

#[derive(FromRow)]
struct Row {
    ord: i64,
    provisional: bool,
    key: Option<String>,
    arguments: Vec<Option<String>>,
    contract: Option<String>,
    also_contracts: Vec<Option<String>>,
    hash: Option<String>,
    submitted: Option<i64>,
    envelope: Option<String>,
    checkpoint: Option<Value>,
    floor: Option<i64>,
    mark: Option<i64>,
}

impl Location {
    pub fn new(bound: &Bound, kind: &EntityKind, stability: Option<&Stability>) -> Self {
        let null_key = bound.key.iter().map(|column| format!("{} IS NULL", column.of("db"))).collect::<Vec<_>>().join(" OR ");
        let guarded = |expression: &str| format!("CASE WHEN NOT w.provisional THEN {expression} END");
        // The transaction that creates the row's entity concerns nobody any more once the row has its key.
        let of_transaction = |expression: &str| match bound.creation {
            Some(_) => format!("CASE WHEN w.provisional THEN nullif({expression}, '') END"),
            None => guarded(expression),
        };
        let mut input = part_columns(bound.identity.len());
        input.push(("identity".to_owned(), "text"));
        let statement = |lie: &str| {
            format!(
                "{rows}\nSELECT r.\"trueup:ord\" AS ord, r.\"trueup:mark\" AS mark, w.provisional, x.*,\n  \
             (SELECT e.floor_ledger FROM trueup.entities AS e WHERE e.kind = {kind} AND e.identity = r.\"trueup:identity\") AS floor\nFROM \"trueup:rows\" AS r\n\
             CROSS JOIN LATERAL (SELECT {provisional} AS provisional FROM {db}{filter} OFFSET 0) AS w\n\
             CROSS JOIN LATERAL (SELECT CASE WHEN NOT ({null_key}) THEN {key} END AS key, ARRAY[{arguments}]::text[] AS arguments, \
             {contract} AS contract, ARRAY[{also_contracts}]::text[] AS also_contracts, {hash} AS hash, {submitted} AS submitted, {envelope} AS envelope, {checkpoint} AS checkpoint \
             FROM {db}) AS x\nORDER BY 1",
                rows = marked_rows(bound, &input, lie, stability),
                kind = literal(&kind.0),
                provisional = provisional(bound),
                db = db_scope(bound),
                filter = where_filter(bound),
                key = canonical_of(&bound.key, "db"),
                arguments = list(bound.arguments.iter().map(|sql| guarded(sql))),
                contract = text_of(bound.contract.as_ref()),
                also_contracts = list(bound.also_contracts.iter().map(|column| text_of(column.as_ref()))),
                hash = bound
                    .hash
                    .as_ref()
                    .or(bound.created_by.as_ref())
                    .map_or_else(|| "NULL::text".to_owned(), |column| of_transaction(&hash_text(column, "db"))),
                envelope = bound.envelope.as_ref().map_or_else(|| "NULL::text".to_owned(), |column| of_transaction(&base64_text(column))),
                checkpoint = checkpoint(bound, kind),
                submitted = bound.submitted.as_ref().map_or_else(|| "NULL::bigint".to_owned(), epoch),
            )
        };
        let sql = Spread::new(bound, input.len() + 1, statement);
        Self { kind: kind.clone(), sql, identity_columns: bound.identity.len(), key_columns: bound.arguments.len() }
    }

    pub async fn run(
        &self,
        pool: &PgPool,
        statements: &Statements,
        rows: &[RowIdentity],
        lie: Option<&RowRange>,
    ) -> Result<Vec<(RowIdentity, Result<Located, RowError>)>, DatabaseError> {
        let (sql, edges) = match self.sql.over(lie) {
            Ok(statement) => statement,
            Err(error) => return Ok(rows.iter().map(|row| (row.clone(), Err(error.clone()))).collect()),
        };
        let edges = &edges;
        let batch = Batch::new(rows, self.identity_columns, |it| it.0.as_str());
        let items = &batch.items;
        let answers = bisect(items.len(), |range: Range<usize>| {
            Box::pin(async move {
                let first = range.start;
                let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(sql));
                for index in 0..self.identity_columns {
                    query = query.bind(part_array(&items[range.clone()], index));
                }
                query = query.bind(items[range.clone()].iter().map(|(row, _)| row.0.clone()).collect::<Vec<_>>());
                for edge in edges {
                    query = query.bind(edge);
                }
                let mut connection = pool.acquire().await?;
                let running = statements.begin(&self.kind, Reading::Locate);
                let rows = query.fetch_all(&mut *connection).await?;
                running.answered(range.len());
                Ok(rows.into_iter().map(|row| (first + place(row.ord), row)).collect())
            })
        })
        .await?;
        let mut located: Vec<_> =
            answers.into_iter().map(|(index, row)| (items[index].0.clone(), row.and_then(|row| self.read(row)))).collect();
        located.extend(batch.malformed.into_iter().map(|(identity, error)| (identity.clone(), Err(error))));
        Ok(located)
    }

    fn read(&self, row: Row) -> Result<Located, RowError> {
        debug_assert_eq!(row.arguments.len(), self.key_columns, "one text for each hole of the key");
        if let Some(hash) = row.hash.as_ref().filter(|it| !is_hash(it)) {
            return Err(RowError::new(format!("`{hash}` is not a transaction hash: it wants {HASH_DIGITS} hex digits")));
        }
        Ok(Located {
            key: row.key.map(ChainKey),
            arguments: if row.provisional { Vec::new() } else { row.arguments },
            contract: row.contract,
            also_contracts: row.also_contracts,
            provisional: row.provisional,
            hash: row.hash,
            submitted: row.submitted,
            envelope: row.envelope,
            checkpoint: row.checkpoint,
            floor: row.floor,
            mark: row.mark,
        })
    }
}

/// A column of `db` as text, or NULL.
pub(super) fn text_of(column: Option<&Column>) -> String {
    column.map_or_else(|| "NULL::text".to_owned(), |column| format!("{}::text", column.of("db")))
}

/// The place in a batch that an ordinality, which counts from 1, stands for.
pub(super) fn place(ord: i64) -> usize {
    usize::try_from(ord - 1).unwrap_or_default()
}

/// A column of hashes, as 64 lower-case hex digits.
pub(super) fn hash_text(column: &Column, alias: &str) -> String {
    let name = column.of(alias);
    match column.shape {
        Shape::Bytea => format!("encode({name}, 'hex')"),
        _ => format!(r"lower(regexp_replace(btrim({name}::text), '^(0x|\\x)', '', 'i'))"),
    }
}

fn base64_text(column: &Column) -> String {
    let name = column.of("db");
    match column.shape {
        Shape::Bytea => format!("encode({name}, 'base64')"),
        _ => format!("{name}::text"),
    }
}

/// What an earlier look remembered. Only looks at transactions remember something.
fn checkpoint(bound: &Bound, kind: &EntityKind) -> String {
    if bound.hash.is_none() && bound.created_by.is_none() {
        return "NULL::jsonb".to_owned();
    }
    format!("(SELECT e.checkpoint FROM trueup.entities AS e WHERE e.kind = {} AND e.identity = r.\"trueup:identity\")", literal(&kind.0))
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH_DIGITS && text.bytes().all(|it| it.is_ascii_hexdigit())
}

/// A timestamp column as Unix seconds; one without a time zone is in UTC.
pub(super) fn epoch(column: &Column) -> String {
    let moment = column.shape.read_back(&column.of("db"));
    format!("CASE WHEN isfinite({moment}) THEN floor(extract(epoch FROM {moment}))::bigint END")
}
