//! Which rows of a range have moved since they were last in sync, as far as the table can tell.

use sqlx::{AssertSqlSafe, FromRow, PgPool};
use trueup_judge::{EntityKind, RowIdentity};

use super::input::db_scope;
use super::locate::text_of;
use super::mark;
use super::range::{RowRange, within};
use crate::bind::{Bound, Stability, columns_of};
use crate::error::{Blame, QUERY_CANCELED, blame, code};
use crate::identity::canonical_of;
use crate::sql::{Select, list, literal};
use crate::statements::Reading;
use crate::{DatabaseError, Located, RowError, Statements};

/// What a range holds.
#[derive(Debug, Clone, Default)]
pub struct Sieved {
    /// Rows of which no clean verdict is known, or which have another version since.
    pub moved: Vec<RowIdentity>,
    /// Rows as they were at their last clean verdict, if their entries are too.
    pub still: Vec<StillRow>,
}

/// A row that is as it was at its last clean verdict.
#[derive(Debug, Clone)]
pub struct StillRow {
    /// The row.
    pub identity: RowIdentity,
    /// Where its entries are.
    pub located: Located,
    /// The mark of its entries at that verdict.
    pub entry_mark: i64,
}

/// The statements over ranges.
#[derive(Debug, Clone)]
pub(crate) struct Sieve {
    bound: Bound,
    kind: EntityKind,
    stability: Stability,
}

#[derive(FromRow)]
struct Row {
    identity: String,
    entry_mark: Option<i64>,
    arguments: Vec<Option<String>>,
    contract: Option<String>,
    also_contracts: Vec<Option<String>>,
    floor: Option<i64>,
}

impl Sieve {
    pub fn new(bound: &Bound, kind: &EntityKind, stability: &Stability) -> Self {
        Self { bound: bound.clone(), kind: kind.clone(), stability: stability.clone() }
    }

    pub async fn run(&self, pool: &PgPool, statements: &Statements, range: &RowRange) -> Result<Result<Sieved, RowError>, DatabaseError> {
        let Select { sql, binds } = match self.select(range) {
            Ok(select) => select,
            Err(error) => return Ok(Err(error)),
        };
        let arguments = Select { sql: String::new(), binds }.arguments()?;
        let mut connection = pool.acquire().await?;
        let running = statements.begin(&self.kind, Reading::Sieve);
        let rows = match sqlx::query_as_with::<_, Row, _>(AssertSqlSafe(sql), arguments).fetch_all(&mut *connection).await {
            Ok(rows) => rows,
            // One that takes too long is found among fewer of them.
            Err(error) if matches!(blame(&error), Blame::Row) || code(&error) == QUERY_CANCELED => {
                return Ok(Err(RowError::from_sqlx(&error)));
            }
            Err(error) => return Err(error.into()),
        };
        drop(connection);
        running.answered(rows.len());
        let mut sieved = Sieved::default();
        for row in rows {
            let identity = RowIdentity(row.identity);
            match row.entry_mark {
                None => sieved.moved.push(identity),
                Some(entry_mark) => {
                    let located = Located {
                        arguments: row.arguments,
                        contract: row.contract,
                        also_contracts: row.also_contracts,
                        floor: row.floor,
                        ..Located::default()
                    };
                    sieved.still.push(StillRow { identity, located, entry_mark });
                }
            }
        }
        Ok(Ok(sieved))
    }

    /// The key expressions are evaluated of rows alone that are as they were when these could be evaluated.
    fn select(&self, range: &RowRange) -> Result<Select, RowError> {
        let bound = &self.bound;
        let (lies, binds) = within(bound, range)?;
        let filter = bound.filter.as_ref().map(|filter| format!("(\n{filter}\n)"));
        let conditions: Vec<String> = std::iter::once(lies).chain(filter).collect();
        let still = |expression: &str| format!("CASE WHEN \"trueup:still\".entry_mark IS NOT NULL THEN {expression} END");
        let sql = format!(
            "WITH {basis}, \"trueup:range\" AS MATERIALIZED (\n  \
             SELECT {identity} AS \"trueup:identity\", {mark} AS \"trueup:mark\", {columns}\n  \
             FROM {table} AS db CROSS JOIN \"trueup:basis\" WHERE {conditions}\n)\n\
             SELECT r.\"trueup:identity\" AS identity, \"trueup:still\".entry_mark AS entry_mark, x.*, \"trueup:entity\".floor_ledger AS floor\n\
             FROM \"trueup:range\" AS r\n\
             LEFT JOIN trueup.fingerprints AS \"trueup:still\"\n  \
             ON \"trueup:still\".kind = {kind} AND \"trueup:still\".identity = r.\"trueup:identity\" AND \"trueup:still\".row_mark = r.\"trueup:mark\"\n\
             LEFT JOIN trueup.entities AS \"trueup:entity\" ON \"trueup:entity\".kind = {kind} AND \"trueup:entity\".identity = r.\"trueup:identity\"\n\
             CROSS JOIN LATERAL (SELECT ARRAY[{arguments}]::text[] AS arguments, {contract} AS contract, ARRAY[{also_contracts}]::text[] AS also_contracts \
             FROM {db} OFFSET 0) AS x",
            basis = mark::basis(&self.stability),
            identity = canonical_of(&bound.identity, "db"),
            mark = mark::mark(&self.stability),
            columns = columns_of(&bound.fetched, "db"),
            table = bound.table.sql(),
            conditions = conditions.join(" AND "),
            kind = literal(&self.kind.0),
            arguments = list(bound.arguments.iter().map(|sql| still(sql))),
            contract = text_of(bound.contract.as_ref()),
            also_contracts = list(bound.also_contracts.iter().map(|column| text_of(column.as_ref()))),
            db = db_scope(bound),
        );
        Ok(Select { sql, binds })
    }

    /// A DELETE of fingerprints of kind `$1` whose rows are gone, at most `$2`.
    pub fn vanished(&self) -> String {
        format!(
            "DELETE FROM trueup.fingerprints WHERE kind = $1 AND identity = ANY (ARRAY(\n  \
             SELECT f.identity FROM trueup.fingerprints AS f WHERE f.kind = $1 AND NOT EXISTS (SELECT FROM {table} AS db WHERE {identity} = f.identity)\n  \
             LIMIT $2))",
            table = self.bound.table.sql(),
            identity = canonical_of(&self.bound.identity, "db"),
        )
    }
}
