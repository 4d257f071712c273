//! Expressions of a spec, prepared by Postgres: it knows best whether they make sense.

use sqlx::postgres::{PgDatabaseError, PgErrorPosition};
use sqlx::{AssertSqlSafe, Column as _, Either, Executor, PgConnection, SqlSafeStr, Statement, TypeInfo};
use trueup_spec::{Carrier, Sql};

use super::complaints::Complaints;
use super::shape::Shape;
use crate::Statements;
use crate::error::{Blame, blame};
use crate::sql::{Soundness, soundness};

/// SQLSTATE of a column that does not exist.
const UNDEFINED_COLUMN: &str = "42703";
/// SQLSTATE of a relation that is not in the FROM clause, such as `chain` where only the row is visible.
const UNDEFINED_TABLE: &str = "42P01";

/// Has Postgres prepare expressions, and says in the spec's terms what is wrong with them.
pub(crate) struct Probe<'c, 's> {
    pub conn: &'c mut PgConnection,
    pub statements: &'c Statements,
    pub complaints: Complaints<'s>,
}

/// What an expression sees, and how that is said to people.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// `FROM …`.
    pub from: String,
    /// For an unknown name.
    pub help: String,
}

impl Probe<'_, '_> {
    /// The shape of an expression in a scope; none if something is wrong with it, which is then noted.
    pub async fn shape(&mut self, sql: &Sql, scope: &Scope) -> Result<Option<Shape>, sqlx::Error> {
        if !self.is_sound(sql) {
            return Ok(None);
        }
        // CASE refuses functions that return sets, which would multiply rows.
        let before = "SELECT CASE WHEN true THEN (\n";
        let statement = format!("{before}{}\n) END {}", sql.text, scope.from);
        let Some(columns) = self.prepare(sql, scope, before, statement).await? else { return Ok(None) };
        Ok(columns.into_iter().next())
    }

    /// Like [`Self::shape`], for a condition.
    pub async fn condition(&mut self, sql: &Sql, scope: &Scope, what: &str) -> Result<(), sqlx::Error> {
        match self.shape(sql, scope).await? {
            Some(Shape::Bool) | None => {}
            Some(_) => {
                let help = "it must be true, false or NULL for each row, as in `status <> 'rejected'`".to_owned();
                self.complaints.add(sql.at, format!("{what} is not a condition: its type is not boolean"), Some(help));
            }
        }
        Ok(())
    }

    /// The shapes of a query's columns.
    pub async fn query(&mut self, sql: &Sql) -> Result<Option<usize>, sqlx::Error> {
        if !self.is_sound(sql) {
            return Ok(None);
        }
        let before = "SELECT * FROM (\n";
        let scope = Scope { from: String::new(), help: "the query stands alone: it sees neither `db` nor `chain`".to_owned() };
        let statement = format!("{before}{}\n) AS keys", sql.text);
        Ok(self.prepare(sql, &scope, before, statement).await?.map(|columns| columns.len()))
    }

    /// A text that changed the statement around it would be checked as one thing and run as another.
    fn is_sound(&mut self, sql: &Sql) -> bool {
        let (at, message) = match soundness(&sql.text) {
            Soundness::Sound if sql.text.trim().is_empty() => (0, "the expression is empty"),
            Soundness::Sound => return true,
            Soundness::Closes(at) => (at, "this bracket closes nothing"),
            Soundness::Open(at) => (at, "this bracket is not closed"),
            Soundness::Semicolon(at) => (at, "one expression, not several statements: remove the `;`"),
            Soundness::Placeholder(at) => (at, "placeholders have no value here; environment variables are written `${NAME}`"),
            Soundness::Unterminated(at) => (at, "this quote or comment does not end"),
        };
        self.complaints.add_inside(sql, at, message, None);
        false
    }

    async fn prepare(&mut self, sql: &Sql, scope: &Scope, before: &str, statement: String) -> Result<Option<Vec<Shape>>, sqlx::Error> {
        self.statements.add();
        let prepared = (&mut *self.conn).prepare(AssertSqlSafe(statement).into_sql_str()).await;
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) if matches!(blame(&error), Blame::Passing) => return Err(error),
            Err(error) => {
                self.complain(sql, scope, before.chars().count(), &error);
                return Ok(None);
            }
        };
        if prepared.parameters().is_some_and(|it| matches!(it, Either::Left(types) if !types.is_empty())) {
            self.complaints.add(sql.at, "placeholders have no value here", None);
            return Ok(None);
        }
        let types: Vec<(Option<u32>, String)> =
            prepared.columns().iter().map(|it| (it.type_info().oid().map(|oid| oid.0), it.type_info().name().to_owned())).collect();
        let mut shapes = Vec::new();
        for (oid, name) in types {
            shapes.push(self.shape_of_type(oid, &name).await?);
        }
        Ok(Some(shapes))
    }

    async fn shape_of_type(&mut self, oid: Option<u32>, name: &str) -> Result<Shape, sqlx::Error> {
        let Some(oid) = oid else { return Ok(Shape::of(&name.to_lowercase(), "b")) };
        self.statements.add();
        let (name, kind): (String, String) =
            sqlx::query_as("SELECT typname::text, typtype::text FROM pg_catalog.pg_type WHERE oid = $1::bigint::oid")
                .bind(i64::from(oid))
                .fetch_one(&mut *self.conn)
                .await?;
        Ok(Shape::of(&name, &kind))
    }

    fn complain(&mut self, sql: &Sql, scope: &Scope, before: usize, error: &sqlx::Error) {
        let Some(postgres) = error.as_database_error().and_then(|it| it.try_downcast_ref::<PgDatabaseError>()) else {
            self.complaints.add(sql.at, error.to_string(), None);
            return;
        };
        let length = sql.text.chars().count();
        let character = match postgres.position() {
            Some(PgErrorPosition::Original(position)) => position.checked_sub(before + 1).filter(|it| *it <= length),
            _ => None,
        };
        let help = match (postgres.code(), postgres.hint()) {
            (UNDEFINED_COLUMN | UNDEFINED_TABLE, Some(hint)) => {
                Some(format!("{}; {}", lower_first(hint.trim_end_matches('.')), scope.help))
            }
            (UNDEFINED_COLUMN | UNDEFINED_TABLE, None) => Some(scope.help.clone()),
            (_, hint) => hint.map(str::to_owned),
        };
        self.complaints.add_inside(sql, character.unwrap_or_default(), postgres.message(), help);
    }
}

fn lower_first(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// What the chain's values look like to SQL, all of them NULL.
pub(crate) fn chain_of_nulls(values: &[(String, Carrier)]) -> String {
    let columns = values.iter().map(|(name, carrier)| format!("NULL::{} AS {}", carrier.sql(), crate::sql::ident(name)));
    format!("(SELECT {}) AS chain", crate::sql::list(columns))
}
