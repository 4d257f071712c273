//! What looks at rows without their real key leave for the match, and for later runs.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use trueup_database::runs;
use trueup_judge::{Creation, EntityKind, RowIdentity, RunId, SkipReason, Verdict};

use crate::look::Seeking;

/// A row that looks for its key, after a first look.
pub(crate) struct Sought {
    pub(crate) row: RowIdentity,
    pub(crate) verdict: Verdict,
    pub(crate) seeking: Seeking,
}

impl Seeking {
    /// The hash of the creating transaction, if that failed or expired.
    pub(crate) fn over(&self) -> Option<&str> {
        self.hash.as_deref().filter(|_| self.creation.is_over())
    }
}

/// Keeps them, in the transaction that stores the plans of these rows.
pub(crate) async fn keep_sought(conn: &mut PgConnection, kind: &EntityKind, sought: &[(RunId, Sought)]) -> Result<(), sqlx::Error> {
    let mut by_run: BTreeMap<RunId, Vec<(&RowIdentity, &Creation)>> = BTreeMap::new();
    for (run, it) in sought.iter().filter(|(_, it)| it.verdict == Verdict::Drifted) {
        by_run.entry(*run).or_default().push((&it.row, &it.seeking.creation));
    }
    for (run, creations) in by_run {
        runs::keep_creations(conn, run, kind, &creations).await?;
    }
    // A row that says already what has become of its creation gets no second look.
    let settled = sought.iter().filter(|(_, it)| it.verdict == Verdict::Skipped(SkipReason::CreationFailed));
    keep_over(conn, kind, settled.filter_map(|(_, it)| Some((&it.row, it.seeking.over()?)))).await
}

/// Remembers that nothing will come of these rows' creating transactions.
pub(crate) async fn keep_over<'a>(
    conn: &mut PgConnection,
    kind: &EntityKind,
    rows: impl Iterator<Item = (&'a RowIdentity, &'a str)>,
) -> Result<(), sqlx::Error> {
    runs::remember_over(conn, kind, &rows.collect::<Vec<_>>()).await
}
