//! What the catalog says of a table.

use sqlx::{FromRow, PgConnection};

use super::shape::Shape;
use crate::Statements;
use crate::sql::{ident, plain_ident, qualified};

/// What sort of relation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    /// A table, also a partitioned one.
    Table,
    /// A table of another server: its constraints are not known here.
    Foreign,
    /// A view, also a materialized one.
    View,
}

/// A table, view or foreign table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub oid: i64,
    pub schema: String,
    pub name: String,
    pub relation: Relation,
    /// Who asks.
    pub role: String,
    /// The role sees only what row security lets it see.
    pub row_security: bool,
    pub columns: Vec<Column>,
    pub indexes: Vec<UniqueIndex>,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub name: String,
    /// Its type as SQL, with its limits: `character varying(12)`, `numeric(20,7)`, `app.loan_state`.
    pub type_sql: String,
    /// The type without limits, below all domains: what a text can be cast to without losing anything.
    pub base_sql: String,
    pub shape: Shape,
    pub not_null: bool,
    /// A row can leave it out: it has a default, is generated, or is an identity.
    pub fills_itself: bool,
    /// Generated, or an identity that takes no values.
    pub computed: bool,
    pub may_select: bool,
    pub may_update: bool,
    pub may_insert: bool,
}

/// A unique index over plain columns.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct UniqueIndex {
    pub columns: Vec<String>,
    pub is_primary: bool,
    /// It covers only some rows.
    pub is_partial: bool,
}

/// What was found under a name.
pub(crate) enum Found {
    Table(Box<Table>),
    /// It exists, and the role may not use its schema.
    NoUsage {
        role: String,
    },
    /// Something else has the name.
    NoTable,
    /// Nothing has the name. What has a similar one, or the same in another schema.
    Nothing {
        others: Vec<(String, String)>,
    },
}

#[derive(FromRow)]
struct RelationRow {
    oid: i64,
    relkind: String,
    usage: bool,
    role: String,
}

#[derive(FromRow)]
struct ColumnRow {
    name: String,
    type_sql: String,
    base_sql: String,
    base_name: String,
    base_kind: String,
    not_null: bool,
    has_default: bool,
    generated: String,
    identity: String,
    may_select: bool,
    may_update: bool,
    may_insert: bool,
}

impl Table {
    /// Its name as SQL.
    pub fn sql(&self) -> String {
        qualified(&self.schema, &self.name)
    }

    /// Its name as people write it.
    pub fn display(&self) -> String {
        format!("{}.{}", plain_ident(&self.schema), plain_ident(&self.name))
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub fn primary_key(&self) -> Option<&[String]> {
        self.indexes.iter().find(|index| index.is_primary).map(|index| index.columns.as_slice())
    }
}

impl Column {
    /// `alias."name"`.
    pub fn of(&self, alias: &str) -> String {
        format!("{alias}.{}", ident(&self.name))
    }
}

/// Looks a table up. By name in the catalog and not by `regclass`, which fails where the schema may not be used.
pub(crate) async fn find(conn: &mut PgConnection, statements: &Statements, schema: &str, name: &str) -> Result<Found, sqlx::Error> {
    statements.add();
    let relation: Option<RelationRow> = sqlx::query_as(
        "SELECT c.oid::bigint AS oid, c.relkind::text AS relkind, has_schema_privilege(n.oid, 'USAGE') AS usage, current_user::text AS role
         FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname = $1 AND c.relname = $2",
    )
    .bind(schema)
    .bind(name)
    .fetch_optional(&mut *conn)
    .await?;
    let Some(row) = relation else {
        return Ok(Found::Nothing { others: others(conn, statements, name).await? });
    };
    let relation = match row.relkind.as_str() {
        "r" | "p" => Relation::Table,
        "f" => Relation::Foreign,
        "v" | "m" => Relation::View,
        _ => return Ok(Found::NoTable),
    };
    if !row.usage {
        return Ok(Found::NoUsage { role: row.role });
    }
    statements.add();
    let row_security = sqlx::query_scalar("SELECT row_security_active($1::bigint::oid)").bind(row.oid).fetch_one(&mut *conn).await?;
    Ok(Found::Table(Box::new(Table {
        oid: row.oid,
        schema: schema.to_owned(),
        name: name.to_owned(),
        relation,
        role: row.role,
        row_security,
        columns: columns(conn, statements, row.oid).await?,
        indexes: unique_indexes(conn, statements, row.oid).await?,
    })))
}

async fn others(conn: &mut PgConnection, statements: &Statements, name: &str) -> Result<Vec<(String, String)>, sqlx::Error> {
    statements.add();
    sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text
         FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'trueup')
           AND (lower(c.relname) = lower($1) OR lower(c.relname) = lower($1) || 's' OR lower(c.relname) || 's' = lower($1))
         ORDER BY 1, 2 LIMIT 5",
    )
    .bind(name)
    .fetch_all(conn)
    .await
}

async fn columns(conn: &mut PgConnection, statements: &Statements, table: i64) -> Result<Vec<Column>, sqlx::Error> {
    statements.add();
    let rows: Vec<ColumnRow> = sqlx::query_as(
        "SELECT a.attname::text AS name,
                format_type(a.atttypid, a.atttypmod) AS type_sql,
                format_type(b.oid, -1) AS base_sql,
                b.typname::text AS base_name,
                b.typtype::text AS base_kind,
                a.attnotnull OR t.typnotnull AS not_null,
                a.atthasdef OR t.typdefault IS NOT NULL AS has_default,
                a.attgenerated::text AS generated,
                a.attidentity::text AS identity,
                has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS may_select,
                has_column_privilege(a.attrelid, a.attnum, 'UPDATE') AS may_update,
                has_column_privilege(a.attrelid, a.attnum, 'INSERT') AS may_insert
         FROM pg_catalog.pg_attribute AS a
         JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
         CROSS JOIN LATERAL (
             WITH RECURSIVE under AS (
                 SELECT u.oid, u.typname, u.typtype, u.typbasetype FROM pg_catalog.pg_type AS u WHERE u.oid = a.atttypid
                 UNION ALL
                 SELECT u.oid, u.typname, u.typtype, u.typbasetype
                 FROM under JOIN pg_catalog.pg_type AS u ON u.oid = under.typbasetype WHERE under.typtype = 'd'
             )
             SELECT * FROM under WHERE typtype <> 'd'
         ) AS b
         WHERE a.attrelid = $1::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum",
    )
    .bind(table)
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Column {
            shape: Shape::of(&row.base_name, &row.base_kind),
            name: row.name,
            type_sql: row.type_sql,
            base_sql: row.base_sql,
            not_null: row.not_null,
            fills_itself: row.has_default || !row.generated.is_empty() || !row.identity.is_empty(),
            computed: !row.generated.is_empty() || row.identity == "a",
            may_select: row.may_select,
            may_update: row.may_update,
            may_insert: row.may_insert,
        })
        .collect())
}

async fn unique_indexes(conn: &mut PgConnection, statements: &Statements, table: i64) -> Result<Vec<UniqueIndex>, sqlx::Error> {
    statements.add();
    sqlx::query_as(
        "SELECT i.indisprimary AS is_primary, i.indpred IS NOT NULL AS is_partial,
                array_agg(a.attname::text ORDER BY k.place) AS columns
         FROM pg_catalog.pg_index AS i
         CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
         JOIN pg_catalog.pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
         WHERE i.indrelid = $1::bigint::oid AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
         GROUP BY i.indexrelid, i.indisprimary, i.indpred
         ORDER BY i.indisprimary DESC, i.indexrelid",
    )
    .bind(table)
    .fetch_all(conn)
    .await
}
