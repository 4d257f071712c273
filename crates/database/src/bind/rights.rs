//! What the role may do to a table, row security included.

use sqlx::{FromRow, PgConnection};

use super::catalog::{Relation, Table};
use crate::Statements;

/// What row security leaves of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rights {
    /// No row is hidden.
    pub sees_all: bool,
    /// Every row may be updated.
    pub updates_all: bool,
    /// Every row may be inserted.
    pub inserts_all: bool,
}

#[derive(FromRow)]
struct Policy {
    permissive: bool,
    command: String,
    sees_all: bool,
    takes_all: bool,
}

/// Row security hides rows without a word, which would pass for rows that are missing. It is harmless only where
/// the policies for the role are plainly `true`.
pub(crate) async fn rights(conn: &mut PgConnection, statements: &Statements, table: &Table) -> Result<Rights, sqlx::Error> {
    if !table.row_security {
        let writable = table.relation == Relation::Table;
        return Ok(Rights { sees_all: true, updates_all: writable, inserts_all: writable });
    }
    statements.add();
    let policies: Vec<Policy> = sqlx::query_as(
        "SELECT p.polpermissive AS permissive, p.polcmd::text AS command,
                coalesce(pg_get_expr(p.polqual, p.polrelid), 'true') = 'true' AS sees_all,
                coalesce(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid), 'true') = 'true' AS takes_all
         FROM pg_catalog.pg_policy AS p
         WHERE p.polrelid = $1::bigint::oid
           AND EXISTS (SELECT FROM unnest(p.polroles) AS r (role) WHERE r.role = 0 OR pg_has_role(current_user, r.role, 'USAGE'))",
    )
    .bind(table.oid)
    .fetch_all(conn)
    .await?;
    let all = |command: &str, holds: &dyn Fn(&Policy) -> bool| {
        let mut relevant = policies.iter().filter(|it| it.command == "*" || it.command == command);
        relevant.clone().any(|it| it.permissive && holds(it)) && relevant.all(|it| it.permissive || holds(it))
    };
    let sees_all = all("r", &|it| it.sees_all);
    Ok(Rights {
        sees_all,
        updates_all: sees_all && all("w", &|it| it.sees_all && it.takes_all),
        inserts_all: sees_all && all("a", &|it| it.takes_all),
    })
}
