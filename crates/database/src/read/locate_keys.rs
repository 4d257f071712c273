//! What keys that were enumerated on chain say of their places there.

use std::ops::Range;

use sqlx::{AssertSqlSafe, FromRow, PgPool};
use trueup_judge::{ChainKey, EntityKind, RowIdentity};

use super::altered;
use super::bisect::bisect;
use super::input::{Batch, input_part, part_array, part_columns, unnest};
use super::locate::{place, text_of};
use crate::bind::{Bound, Column};
use crate::identity::{canonical_of, names_key};
use crate::sql::{ident, list, literal};
use crate::statements::Reading;
use crate::{DatabaseError, LocatedKey, RowError, Statements};

/// The statement that locates keys.
#[derive(Debug, Clone)]
pub(crate) struct KeyLocation {
    kind: EntityKind,
    sql: String,
    key_columns: usize,
}

#[derive(FromRow)]
struct Row {
    ord: i64,
    arguments: Vec<Option<String>>,
    contract: Option<String>,
    also_contracts: Vec<Option<String>>,
    row_identity: Option<String>,
    floor: Option<i64>,
    altered: Option<serde_json::Value>,
}

impl KeyLocation {
    pub fn new(bound: &Bound, kind: &EntityKind) -> Self {
        let mut input = part_columns(bound.key.len());
        input.push(("key".to_owned(), "text"));
        let key = list(
            bound.key.iter().enumerate().map(|(index, it)| format!("({})::{} AS {}", input_part(index), it.base_sql, ident(&it.name))),
        );
        let known = |column: &Option<Column>| text_of(column.as_ref().filter(|it| bound.key.iter().any(|key| key.name == it.name)));
        let sql = format!(
            "SELECT i.\"ord\" AS ord, x.*, (SELECT {identity} FROM {table} AS it WHERE {names} LIMIT 1) AS row_identity,\n  \
             (SELECT max(e.floor_ledger) FROM trueup.entities AS e WHERE e.kind = {kind} AND e.chain_key = i.\"key\") AS floor,\n  {altered} AS altered\nFROM {unnest}\n\
             CROSS JOIN LATERAL (SELECT ARRAY[{arguments}]::text[] AS arguments, {contract} AS contract, ARRAY[{also_contracts}]::text[] AS also_contracts FROM (SELECT {key}) AS db OFFSET 0) AS x\nORDER BY 1",
            identity = canonical_of(&bound.identity, "it"),
            table = bound.table.sql(),
            names = names_key(bound, "it", input_part),
            kind = literal(&kind.0),
            altered = altered::of_key(bound, kind, "i.\"key\""),
            unnest = unnest(&input),
            arguments = list(&bound.arguments),
            contract = known(&bound.contract),
            also_contracts = list(bound.also_contracts.iter().map(known)),
        );
        Self { kind: kind.clone(), sql, key_columns: bound.key.len() }
    }

    pub async fn run(
        &self,
        pool: &PgPool,
        statements: &Statements,
        keys: &[ChainKey],
    ) -> Result<Vec<(ChainKey, Result<LocatedKey, RowError>)>, DatabaseError> {
        let batch = Batch::new(keys, self.key_columns, |it| it.0.as_str());
        let items = &batch.items;
        let answers = bisect(items.len(), |range: Range<usize>| {
            Box::pin(async move {
                let first = range.start;
                let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(self.sql.as_str()));
                for index in 0..self.key_columns {
                    query = query.bind(part_array(&items[range.clone()], index));
                }
                query = query.bind(items[range.clone()].iter().map(|(key, _)| key.0.clone()).collect::<Vec<_>>());
                let mut connection = pool.acquire().await?;
                let running = statements.begin(&self.kind, Reading::LocateKeys);
                let rows = query.fetch_all(&mut *connection).await?;
                running.answered(range.len());
                Ok(rows.into_iter().map(|row| (first + place(row.ord), row)).collect())
            })
        })
        .await?;
        let mut located: Vec<_> =
            answers.into_iter().map(|(index, row)| (items[index].0.clone(), row.and_then(LocatedKey::try_from))).collect();
        located.extend(batch.malformed.into_iter().map(|(key, error)| (key.clone(), Err(error))));
        Ok(located)
    }
}

impl TryFrom<Row> for LocatedKey {
    type Error = RowError;

    fn try_from(row: Row) -> Result<Self, RowError> {
        Ok(Self {
            arguments: row.arguments,
            contract: row.contract,
            also_contracts: row.also_contracts,
            row: row.row_identity.map(RowIdentity),
            floor: row.floor,
            altered: altered::read(row.altered)?,
        })
    }
}
