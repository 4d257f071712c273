//! What the keys of parents, the entries that rows are elements of, say of their places on chain.

use std::ops::Range;

use sqlx::{AssertSqlSafe, FromRow, PgPool};

use super::bisect::bisect;
use super::input::{input_part, part_columns, unnest};
use super::locate::{place, text_of};
use crate::bind::{Bound, BoundParents};
use crate::sql::{ident, list};
use crate::{DatabaseError, LocatedParent, RowError, Statements};

/// The statement that locates parents.
#[derive(Debug, Clone)]
pub(crate) struct ParentLocation {
    sql: String,
    columns: usize,
}

#[derive(FromRow)]
struct Row {
    ord: i64,
    arguments: Vec<Option<String>>,
    contract: Option<String>,
}

impl ParentLocation {
    pub fn new(bound: &Bound, parents: &BoundParents) -> Self {
        let columns = || parents.columns.iter().filter_map(|index| bound.key.get(*index));
        let key = columns().enumerate().map(|(index, it)| format!("({})::{} AS {}", input_part(index), it.base_sql, ident(&it.name)));
        let arguments = bound.arguments.iter().enumerate().map(|(index, sql)| match parents.arguments.contains(&index) {
            true => sql.clone(),
            false => "NULL::text".to_owned(),
        });
        let contract = bound.contract.as_ref().filter(|it| columns().any(|key| key.name == it.name));
        let input = match parents.columns.len() {
            // One entry holds all elements, and nothing tells it apart.
            0 => "(SELECT 1::bigint) AS i (\"ord\")".to_owned(),
            count => unnest(&part_columns(count)),
        };
        let sql = format!(
            "SELECT i.\"ord\" AS ord, x.*\nFROM {input}\n\
             CROSS JOIN LATERAL (SELECT ARRAY[{arguments}]::text[] AS arguments, {contract} AS contract FROM (SELECT {key}) AS db OFFSET 0) AS x\nORDER BY 1",
            arguments = list(arguments),
            contract = text_of(contract),
            key = list(key),
        );
        Self { sql, columns: parents.columns.len() }
    }

    /// One answer for each parent, in their order. Each has one text a column.
    pub async fn run(
        &self,
        pool: &PgPool,
        statements: &Statements,
        parents: &[Vec<String>],
    ) -> Result<Vec<Result<LocatedParent, RowError>>, DatabaseError> {
        let answers = bisect(parents.len(), |range: Range<usize>| {
            Box::pin(async move {
                let (first, part) = (range.start, &parents[range]);
                let mut query = sqlx::query_as::<_, Row>(AssertSqlSafe(self.sql.as_str()));
                for index in 0..self.columns {
                    let texts: Vec<Option<&str>> = part.iter().map(|parent| parent.get(index).map(String::as_str)).collect();
                    query = query.bind(texts);
                }
                statements.add();
                let rows = query.fetch_all(pool).await?;
                Ok(rows.into_iter().map(|row| (first + place(row.ord), row)).collect())
            })
        })
        .await?;
        let located = answers.into_iter().map(|(_, row)| row.map(|row| LocatedParent { arguments: row.arguments, contract: row.contract }));
        Ok(located.collect())
    }
}
