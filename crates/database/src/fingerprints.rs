//! What clean verdicts rested on, for sweeps that pass over what has not moved since.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use trueup_judge::{EntityKind, RowIdentity};

use crate::{DatabaseError, Statements};

/// What a clean verdict on a row rested on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    /// The row's version and the rules, see [`crate::Located::mark`].
    pub row: i64,
    /// The versions of its entries.
    pub entries: i64,
}

/// Those that are there already are not touched: an upsert would lock them, and that is a write too. In the order of the
/// identities, so that two batches do not wait for each other's rows crosswise.
///
/// The inner select is one row by the primary key, and no join: while statistics do not yet know of a sweep's
/// fingerprints, a join would read all of its kind for each batch.
const KEEP: &str = "\
INSERT INTO trueup.fingerprints AS f (kind, identity, row_mark, entry_mark)
SELECT $1, i.identity, i.row_mark, i.entry_mark FROM unnest($2::text[], $3::bigint[], $4::bigint[]) AS i (identity, row_mark, entry_mark)
WHERE (SELECT o.row_mark = i.row_mark AND o.entry_mark = i.entry_mark FROM trueup.fingerprints AS o
       WHERE o.kind = $1 AND o.identity = i.identity) IS NOT TRUE
ORDER BY i.identity
ON CONFLICT (kind, identity) DO UPDATE SET row_mark = excluded.row_mark, entry_mark = excluded.entry_mark";

/// Keeps what clean verdicts on rows of a kind rested on, in the caller's transaction, by one statement. What a verdict
/// rested on stays true, so that no lease has to be proven; whoever proves leases too does so after this.
///
/// # Errors
/// What Postgres said; the caller rolls back.
pub async fn keep_fingerprints(
    tx: &mut PgConnection,
    statements: &Statements,
    kind: &EntityKind,
    fingerprints: &[(RowIdentity, Fingerprint)],
) -> Result<(), DatabaseError> {
    let distinct: BTreeMap<&str, &Fingerprint> = fingerprints.iter().map(|(row, fingerprint)| (row.0.as_str(), fingerprint)).collect();
    if distinct.is_empty() {
        return Ok(());
    }
    statements.add();
    sqlx::query(KEEP)
        .bind(&kind.0)
        .bind(distinct.keys().copied().collect::<Vec<_>>())
        .bind(distinct.values().map(|it| it.row).collect::<Vec<_>>())
        .bind(distinct.values().map(|it| it.entries).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}
