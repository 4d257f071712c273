//! Whether a row that has not moved, beside entries that have not moved, is judged as it was before.
//!
//! It is where the verdict is a function of the row and its entries alone. Postgres knows best which expressions are:
//! it indexes no others. So each expression of the spec is made an index of a temporary table of the same columns, in a
//! transaction that is rolled back. Where that cannot be proven, the kind is swept in full.

use sqlx::{AssertSqlSafe, Connection, Executor, FromRow, PgConnection};
use trueup_spec::{Source, Spec};

use super::bound::Bound;
use super::catalog::Relation;
use crate::Statements;
use crate::error::{Blame, blame, sentence};
use crate::sql::{ident, list, literal, with_chain_as_columns};

/// The first OID of what is not Postgres' own (`FirstNormalObjectId`).
const FIRST_NORMAL_OID: i64 = 16_384;
/// SQLSTATE of an index over an expression that is not immutable.
const NOT_IMMUTABLE: &str = "42P17";
/// SQLSTATE of an index over a subquery, an aggregate, a window function.
const NOT_SUPPORTED: &str = "0A000";
/// SQLSTATE of a role that may not.
const NOT_PERMITTED: &str = "42501";
/// Words that a text may hold which Postgres reads as a moment that moves: `'now'::timestamptz`.
const MOVING_WORDS: [&str; 4] = ["now", "today", "tomorrow", "yesterday"];

/// What every verdict on rows of a kind rests on besides row and entries.
#[derive(Debug, Clone)]
pub(crate) struct Stability {
    /// The table's OID.
    pub relation: i64,
    /// An expression that shows what the catalog says of the table, as far as it decides how rows are judged.
    pub catalog: String,
    /// What that showed when the spec was bound. A row that is read under another catalog leaves nothing, and is never
    /// passed over, until the spec is bound anew.
    pub shown: String,
    /// The hash, in hex, of the bound spec, of [`Self::shown`] and of the version of trueup.
    pub basis: String,
}

#[derive(FromRow)]
struct ColumnRow {
    name: String,
    type_sql: String,
    is_enum: bool,
    is_plain: bool,
    is_virtual: bool,
}

/// What the kind's verdicts rest on; or why they may change without row and entries having moved, for people.
pub(crate) async fn stability(
    conn: &mut PgConnection,
    statements: &Statements,
    spec: &Spec,
    bound: &Bound,
) -> Result<Result<Stability, String>, sqlx::Error> {
    if let Some(why) = unfit(spec, bound) {
        return Ok(Err(why));
    }
    // Read only where the server is a standby, where no temporary table can be made either.
    let mut tx = conn.begin_with("BEGIN READ WRITE").await?;
    let proven = prove(&mut tx, statements, spec, bound).await;
    tx.rollback().await?;
    proven.or_else(|error| if matches!(blame(&error), Blame::Passing) { Err(error) } else { Ok(Err(explain("the table", &error))) })
}

/// What can be told without asking Postgres.
fn unfit(spec: &Spec, bound: &Bound) -> Option<String> {
    let source = match &spec.source {
        Source::Soroban(soroban) if soroban.element.is_some() => Some("its rows are elements of entries"),
        Source::Soroban(_) => None,
        Source::Transaction(_) => Some("its rows are transactions, which time decides"),
        Source::AssetBalance(_) => Some("balances are kept in entries of several sorts"),
        Source::Account(_) => Some("its source is `account`"),
        Source::View(_) => Some("what a view returns may rest on any entry"),
    };
    let relation = (bound.table.relation != Relation::Table || bound.table.primary_key().is_none())
        .then_some("it is no table with a primary key, whose rows have versions");
    if let Some(why) = source.or(relation) {
        return Some(why.to_owned());
    }
    let words = expressions(bound).into_iter().find(|(_, sql)| has_moving_word(sql));
    words.map(|(what, _)| format!("{what} holds a word such as 'now' or 'today', which may stand for a moment that moves"))
}

async fn prove(
    conn: &mut PgConnection,
    statements: &Statements,
    spec: &Spec,
    bound: &Bound,
) -> Result<Result<Stability, String>, sqlx::Error> {
    let names = column_names(bound);
    let catalog = catalog_expression(bound.table.oid, &names);
    statements.add();
    let may_identify: bool =
        sqlx::query_scalar("SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')").fetch_one(&mut *conn).await?;
    if !may_identify {
        return Ok(Err("the role may not ask which cluster this is: GRANT EXECUTE ON FUNCTION pg_control_system() TO the role".to_owned()));
    }
    statements.add();
    let (shown, fit): (Option<String>, bool) = sqlx::query_as(AssertSqlSafe(format!(
        "SELECT ({catalog}), coalesce((SELECT relkind = 'r' AND NOT relhassubclass FROM pg_catalog.pg_class WHERE oid = {}), false)",
        bound.table.oid
    )))
    .fetch_one(&mut *conn)
    .await?;
    let Some(shown) = shown.filter(|_| fit) else {
        return Ok(Err("its table is partitioned, inherited from, or no plain table".to_owned()));
    };
    let columns = columns(conn, statements, bound, &names).await?;
    if let Some(column) = columns.iter().find(|it| it.is_virtual || !(it.is_enum || it.is_plain)) {
        let why = if column.is_virtual { "is computed when it is read" } else { "is of a type that is neither Postgres' own nor an enum" };
        return Ok(Err(format!("column `{}` {why} ({})", column.name, column.type_sql)));
    }
    make_table(conn, statements, bound, &columns).await?;
    for (what, sql) in expressions(bound) {
        let sql = with_chain_as_columns(&sql, |name| bound.values.iter().position(|(value, _)| value == name).map(chain_column));
        statements.add();
        // IS NULL is an index of booleans whatever the expression's type.
        match conn.execute(AssertSqlSafe(format!("CREATE INDEX ON pg_temp.db (((\n{sql}\n) IS NULL))"))).await {
            Ok(_) => {}
            Err(error) if matches!(blame(&error), Blame::Passing) => return Err(error),
            Err(error) => return Ok(Err(explain(&what, &error))),
        }
    }
    if let Some(foreign) = foreign(conn, statements).await? {
        return Ok(Err(format!("an expression uses {foreign}, which is not Postgres' own and may be replaced")));
    }
    let basis = basis(conn, statements, spec, bound, &shown).await?;
    Ok(Ok(Stability { relation: bound.table.oid, catalog, shown, basis }))
}

/// What decides a verdict of `in_sync`, and how each is called.
fn expressions(bound: &Bound) -> Vec<(String, String)> {
    let filter = bound.filter.iter().map(|sql| ("`where`".to_owned(), sql.clone()));
    let provisional = bound.provisional.iter().map(|sql| ("`when`".to_owned(), sql.clone()));
    let arguments = bound.arguments.iter().map(|sql| ("`entry`".to_owned(), sql.clone()));
    let fields = bound.fields.iter().flat_map(|field| {
        let what = format!("field `{}`", field.column.name);
        [(what.clone(), field.db.clone()), (what, field.raw.clone())]
    });
    let conditions = bound.conditions.iter().map(|it| (format!("condition `{}`", it.name), it.holds.clone()));
    filter.chain(provisional).chain(arguments).chain(fields).chain(conditions).collect()
}

/// Not `now()`, which is a function: Postgres knows of it what it is.
fn has_moving_word(sql: &str) -> bool {
    let lower = sql.to_lowercase();
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    MOVING_WORDS.iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let (before, after) = (&lower[..at], &lower[at + word.len()..]);
            !before.ends_with(is_word) && !after.starts_with(is_word) && !after.trim_start().starts_with('(')
        })
    })
}

fn column_names(bound: &Bound) -> Vec<String> {
    let mut names: Vec<String> = bound.fetched.iter().chain(&bound.identity).map(|it| it.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

/// What the catalog says of the columns that are read, the labels of their enums included: a label can be renamed, and
/// a column be dropped and added again with another default, without one row being written.
fn catalog_expression(relation: i64, names: &[String]) -> String {
    let names = list(names.iter().map(|name| literal(name)));
    format!(
        "SELECT concat_ws(' ', c.relkind, c.relhassubclass,\n  \
         (SELECT string_agg(concat_ws(':', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attgenerated), ',' ORDER BY a.attnum)\n   \
         FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname IN ({names})),\n  \
         (SELECT string_agg(concat_ws(':', e.enumtypid, e.enumsortorder, quote_literal(e.enumlabel)), ',' ORDER BY e.enumtypid, e.enumsortorder)\n   \
         FROM pg_catalog.pg_enum AS e WHERE e.enumtypid IN (SELECT a.atttypid FROM pg_catalog.pg_attribute AS a\n   \
         WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attname IN ({names}))))\n  \
         FROM pg_catalog.pg_class AS c WHERE c.oid = {relation}"
    )
}

async fn columns(conn: &mut PgConnection, statements: &Statements, bound: &Bound, names: &[String]) -> Result<Vec<ColumnRow>, sqlx::Error> {
    statements.add();
    sqlx::query_as(
        "SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type_sql, t.typtype = 'e' AS is_enum,
                a.attgenerated = 'v' AS is_virtual,
                t.typtype = 'b' AND t.oid::bigint < $3
                OR t.typtype = 'd' AND coalesce(b.typtype = 'b' AND b.oid::bigint < $3, false) AS is_plain
         FROM pg_catalog.pg_attribute AS a
         JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
         LEFT JOIN pg_catalog.pg_type AS b ON b.oid = t.typbasetype
         WHERE a.attrelid = $1::bigint::oid AND a.attname = ANY ($2) AND NOT a.attisdropped",
    )
    .bind(bound.table.oid)
    .bind(names)
    .bind(FIRST_NORMAL_OID)
    .fetch_all(conn)
    .await
}

/// A table of the row's columns and the chain's values, under the name by which expressions know the row. Enums stand
/// as texts: their labels are a part of what the catalog shows, while Postgres, which cannot know that, takes an enum's
/// text for something that may change.
async fn make_table(conn: &mut PgConnection, statements: &Statements, bound: &Bound, columns: &[ColumnRow]) -> Result<(), sqlx::Error> {
    let own = columns.iter().map(|it| format!("{} {}", ident(&it.name), if it.is_enum { "text" } else { &it.type_sql }));
    let chain = bound.values.iter().enumerate().map(|(index, (_, carrier))| format!("{} {}", chain_column(index), carrier.sql()));
    statements.add();
    conn.execute(AssertSqlSafe(format!("CREATE TEMPORARY TABLE db ({})", list(own.chain(chain))))).await?;
    Ok(())
}

fn chain_column(index: usize) -> String {
    ident(&format!("trueup:chain:{index}"))
}

/// A function, operator or type that these indexes use and that someone has added to Postgres.
async fn foreign(conn: &mut PgConnection, statements: &Statements) -> Result<Option<String>, sqlx::Error> {
    statements.add();
    sqlx::query_scalar(
        "SELECT pg_describe_object(d.refclassid, d.refobjid, 0)
         FROM pg_catalog.pg_depend AS d JOIN pg_catalog.pg_class AS c ON c.oid = d.objid
         WHERE d.classid = 'pg_catalog.pg_class'::regclass AND c.relnamespace = pg_my_temp_schema() AND c.relkind = 'i'
           AND d.refobjid::bigint >= $1
           AND d.refclassid IN ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass, 'pg_catalog.pg_type'::regclass)
           -- A domain over one of Postgres' own types is one of its columns'.
           AND NOT (d.refclassid = 'pg_catalog.pg_type'::regclass
                    AND EXISTS (SELECT FROM pg_catalog.pg_attribute AS a WHERE a.attrelid = 'pg_temp.db'::regclass AND a.atttypid = d.refobjid))
         LIMIT 1",
    )
    .bind(FIRST_NORMAL_OID)
    .fetch_optional(conn)
    .await
}

/// A hash of all that the spec says and of what became of it here. By Postgres, which has one.
async fn basis(conn: &mut PgConnection, statements: &Statements, spec: &Spec, bound: &Bound, shown: &str) -> Result<String, sqlx::Error> {
    // The same spec in another folder is the same spec.
    let spec = Spec { file: String::new(), text: "".into(), ..spec.clone() };
    // Who asks does not change what is judged.
    let bound = Bound { table: super::Table { role: String::new(), ..bound.table.clone() }, ..bound.clone() };
    statements.add();
    sqlx::query_scalar("SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex')")
        .bind(format!("trueup {} {shown} {spec:?} {bound:?}", env!("CARGO_PKG_VERSION")))
        .fetch_one(conn)
        .await
}

fn explain(what: &str, error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|it| it.code()).unwrap_or_default();
    match code.as_ref() {
        NOT_IMMUTABLE => format!("{what} uses a function that is not immutable: its result may change with time, settings or other tables"),
        NOT_SUPPORTED => format!("{what} reads more than the row and its entries: {}", sentence(error)),
        NOT_PERMITTED => format!(
            "the role may not make temporary tables, by which it is proven what expressions depend on: GRANT TEMPORARY ON DATABASE … TO the role ({})",
            sentence(error)
        ),
        _ => format!("it cannot be proven that {what} depends on the row and its entries alone: {}", sentence(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::has_moving_word;

    #[test]
    fn moments_that_move_are_found_in_texts_too() {
        assert!(has_moving_word("due < 'now'::timestamptz") && has_moving_word("due < date 'Today'"));
        assert!(has_moving_word("due < now() AND due < $$now$$::date"));
        assert!(!has_moving_word("known = 'nowhere' AND todays_rate > 0 AND due < now ()"));
    }
}
