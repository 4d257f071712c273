//! What clean verdicts rested on, for sweeps that pass over what has not moved since.

use std::collections::BTreeMap;

use sqlx::{Connection, PgConnection};
use trueup_judge::{EntityKind, RowIdentity};

use crate::error::{UNIQUE_VIOLATION, code};
use crate::{DatabaseError, Statements};

/// What a clean verdict on a row rested on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// The row's version and the rules, see [`crate::Located::mark`].
    pub row: i64,
    /// The versions of its entries.
    pub entries: i64,
}

/// Where the rows have none yet, as in a first sweep: half the price of [`REPLACE`]. One that is there is an error.
const ADD: &str = "\
INSERT INTO trueup.fingerprints (kind, identity, row_mark, entry_mark)
SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[])";

/// Those that are there already are not touched: an upsert would lock them, and that is a write too.
///
/// The inner select is one row by the primary key, and no join: while statistics do not yet know of a sweep's
/// fingerprints, a join would read all of its kind for each batch.
const REPLACE: &str = "\
INSERT INTO trueup.fingerprints AS f (kind, identity, row_mark, entry_mark)
SELECT $1, i.identity, i.row_mark, i.entry_mark FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS i (identity, row_mark, entry_mark)
WHERE (SELECT o.row_mark = i.row_mark AND o.entry_mark = i.entry_mark FROM trueup.fingerprints AS o
       WHERE o.kind = $1 AND o.identity = i.identity) IS NOT TRUE
ON CONFLICT (kind, identity) DO UPDATE SET row_mark = excluded.row_mark, entry_mark = excluded.entry_mark";

/// Whether some of these rows have one.
const ARE_KNOWN: &str = "SELECT EXISTS (SELECT FROM trueup.fingerprints WHERE kind = $1 AND identity = ANY ($2))";

/// How many rows of a batch are asked whether they have one: where one has, most have. A batch of no more is not asked.
const ASKED: usize = 16;

/// Keeps what clean verdicts on rows of a kind rested on, in the caller's transaction. What a verdict rested on stays
/// true, so that no lease has to be proven; whoever proves leases too does so after this.
///
/// # Errors
/// What Postgres said; the caller rolls back.
pub async fn keep_fingerprints(
    tx: &mut PgConnection,
    statements: &Statements,
    kind: &EntityKind,
    fingerprints: &[(RowIdentity, Fingerprint)],
) -> Result<(), DatabaseError> {
    // In the order of the identities, so that two batches do not wait for each other's rows crosswise.
    let distinct: BTreeMap<&str, &Fingerprint> = fingerprints.iter().map(|(row, fingerprint)| (row.0.as_str(), fingerprint)).collect();
    if distinct.is_empty() {
        return Ok(());
    }
    if distinct.len() > ASKED && !are_known(tx, statements, kind, &distinct).await? {
        let mut savepoint = tx.begin().await?;
        match write(ADD, &mut savepoint, statements, kind, &distinct).await {
            Ok(()) => return Ok(savepoint.commit().await?),
            Err(error) if code(&error) == UNIQUE_VIOLATION => savepoint.rollback().await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(write(REPLACE, tx, statements, kind, &distinct).await?)
}

async fn are_known(
    tx: &mut PgConnection,
    statements: &Statements,
    kind: &EntityKind,
    distinct: &BTreeMap<&str, &Fingerprint>,
) -> Result<bool, sqlx::Error> {
    let asked: Vec<&str> = distinct.keys().step_by(distinct.len().div_ceil(ASKED)).copied().collect();
    statements.add();
    // Planned for the table as it is now: a plan kept from when it was empty would scan all of it.
    sqlx::query_scalar(ARE_KNOWN).bind(&kind.0).bind(asked).persistent(false).fetch_one(tx).await
}

async fn write(
    statement: &'static str,
    tx: &mut PgConnection,
    statements: &Statements,
    kind: &EntityKind,
    distinct: &BTreeMap<&str, &Fingerprint>,
) -> Result<(), sqlx::Error> {
    statements.add();
    let written = sqlx::query(statement)
        .bind(&kind.0)
        .bind(distinct.keys().copied().collect::<Vec<_>>())
        .bind(distinct.values().map(|it| it.row).collect::<Vec<_>>())
        .bind(distinct.values().map(|it| it.entries).collect::<Vec<_>>());
    written.execute(tx).await.map(drop)
}
