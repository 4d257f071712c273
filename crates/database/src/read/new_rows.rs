//! The rows that missing entities would get, computed by Postgres from key and chain.

use std::ops::Range;

use sqlx::{AssertSqlSafe, FromRow, PgPool};
use trueup_judge::{ChainKey, EntityKind, Withheld};

use super::bisect::bisect;
use super::input::{Batch, chain_scope, input_part, part_array, part_columns, unnest, value_columns};
use super::locate::place;
use crate::bind::{Bound, NewValue, carrier_text};
use crate::sql::{ident, list};
use crate::statements::Reading;
use crate::{DatabaseError, NewRow, RowError, Statements};

/// The statement that computes new rows.
#[derive(Debug, Clone)]
pub(crate) struct NewRows {
    kind: EntityKind,
    sql: String,
    key_columns: usize,
    values: usize,
    columns: Vec<String>,
}

#[derive(FromRow)]
struct Row {
    ord: i64,
    texts: Vec<Option<String>>,
    unmapped: bool,
}

type Keyed = (ChainKey, Vec<Option<String>>);

impl NewRows {
    pub fn new(bound: &Bound, kind: &EntityKind) -> Self {
        let mut input = part_columns(bound.key.len());
        input.extend(value_columns(bound.values.len()));
        let chain = chain_scope(bound, |index| format!("i.\"v{index}\""));
        let key = list(
            bound.key.iter().enumerate().map(|(index, it)| format!("({})::{} AS {}", input_part(index), it.base_sql, ident(&it.name))),
        );
        let sources = || bound.insert.iter().enumerate().map(|(index, (_, value))| (index, value));
        let expressions = sources().filter_map(|(index, value)| match value {
            NewValue::Sql(sql, shape) => {
                let sql = shape.read_back(&format!("(\n{sql}\n)"));
                Some(format!("{} AS e{index}", carrier_text(shape.native(), &sql)))
            }
            NewValue::Key(_) | NewValue::Field(_) => None,
        });
        let fields = bound.fields.iter().enumerate().map(|(index, field)| format!("{} AS r{index}", field.raw));
        // A `write` over the chain alone is a value that a new row can have; no column of `db` is there to be seen.
        let writes = sources().filter_map(|(_, value)| match value {
            NewValue::Field(index) => bound.fields.get(*index).and_then(|field| field.write.as_ref()).map(|(sql, shape)| {
                let sql = shape.read_back(&format!("(\n{sql}\n)"));
                format!("{} AS w{index}", carrier_text(shape.native(), &sql))
            }),
            NewValue::Key(_) | NewValue::Sql(..) => None,
        });
        let texts = sources().map(|(place, value)| match value {
            NewValue::Key(index) => input_part(*index),
            NewValue::Sql(..) => format!("n.e{place}"),
            NewValue::Field(index) => match &bound.fields[*index] {
                field if field.write.is_some() => format!("w.w{index}"),
                field => carrier_text(field.carrier, &field.mapped(&format!("c.r{index}"))),
            },
        });
        let unmapped = sources().filter_map(|(_, value)| match value {
            NewValue::Field(index) => bound.fields.get(*index).map(|field| field.unmapped(&format!("c.r{index}"))),
            NewValue::Key(_) | NewValue::Sql(..) => None,
        });
        let unmapped = std::iter::once("false".to_owned()).chain(unmapped).collect::<Vec<_>>().join(" OR ");
        let sql = format!(
            "SELECT i.\"ord\" AS ord, ARRAY[{texts}]::text[] AS texts, ({unmapped}) AS unmapped\nFROM {unnest}\n\
             CROSS JOIN LATERAL (SELECT {fields} FROM {chain} OFFSET 0) AS c\n\
             CROSS JOIN LATERAL (SELECT {writes} FROM {chain} OFFSET 0) AS w\n\
             CROSS JOIN LATERAL (SELECT {expressions} FROM {chain}, (SELECT {key}) AS key OFFSET 0) AS n\nORDER BY 1",
            texts = list(texts),
            unnest = unnest(&input),
            fields = list(fields),
            writes = list(writes),
            expressions = list(expressions),
        );
        Self {
            kind: kind.clone(),
            sql,
            key_columns: bound.key.len(),
            values: bound.values.len(),
            columns: bound.insert.iter().map(|(column, _)| column.name.clone()).collect(),
        }
    }

    pub async fn run(
        &self,
        pool: &PgPool,
        statements: &Statements,
        keys: &[Keyed],
    ) -> Result<Vec<(ChainKey, Result<NewRow, RowError>)>, DatabaseError> {
        let batch = Batch::new(keys, self.key_columns, |it| it.0.0.as_str());
        let items = &batch.items;
        let answers = bisect(items.len(), |range: Range<usize>| {
            Box::pin(async move {
                let part = &items[range.clone()];
                let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(self.sql.as_str()));
                for index in 0..self.key_columns {
                    query = query.bind(part_array(part, index));
                }
                for index in 0..self.values {
                    let texts: Vec<Option<&str>> =
                        part.iter().map(|((_, values), _)| values.get(index).and_then(Option::as_deref)).collect();
                    query = query.bind(texts);
                }
                let mut connection = pool.acquire().await?;
                let running = statements.begin(&self.kind, Reading::NewRows);
                let rows = query.fetch_all(&mut *connection).await?;
                running.answered(range.len());
                Ok(rows.into_iter().map(|row| (range.start + place(row.ord), row)).collect())
            })
        })
        .await?;
        let mut rows: Vec<_> = answers.into_iter().map(|(index, row)| (items[index].0.0.clone(), row.map(|row| self.read(row)))).collect();
        rows.extend(batch.malformed.into_iter().map(|(item, error)| (item.0.clone(), Err(error))));
        Ok(rows)
    }

    fn read(&self, row: Row) -> NewRow {
        NewRow { row: self.columns.iter().cloned().zip(row.texts).collect(), withheld: row.unmapped.then_some(Withheld::Unmapped) }
    }
}
