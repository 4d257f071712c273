//! A row's version, and what decides how it is judged, as one number.
//!
//! A version is told by `xmin` and `ctid`. Both can come back: `ctid` once vacuum has freed a place, `xmin` once
//! transaction ids have gone around. A mark is therefore only given to a row whose `xmin` lies before every transaction
//! that is still running, and holds for an era of [`ERA_XIDS`] ids. A later version of the row is written by a
//! transaction that runs or is yet to begin, so that its 32-bit id can equal the one that was marked only after 2^31
//! further ids: in another era. (`docs/decisions/0011-fingerprints.md` has it in full.)

use crate::bind::Stability;
use crate::sql::literal;

/// How many transaction ids an era has: 2^30, as a shift.
const ERA_SHIFT: u32 = 30;
/// The same as a number.
const ERA_XIDS: i64 = 1 << ERA_SHIFT;
/// Half of all transaction ids: what is less than this ahead of one comes after it.
const HALF_OF_XIDS: i64 = 1 << 31;
/// All transaction ids but one, as a mask.
const XID_MASK: i64 = (1 << 32) - 1;

/// A common table expression that says once a statement what all its marks have in common. Its names hold a colon, so
/// that no expression of a spec means them.
pub(crate) fn basis(stability: &Stability) -> String {
    format!(
        "\"trueup:basis\" AS MATERIALIZED (\n  \
         SELECT it.shown = {shown} AND pg_snapshot_xmax(it.seen)::text::bigint - pg_snapshot_xmin(it.seen)::text::bigint < {ERA_XIDS} AS \"trueup:holds\",\n  \
         pg_snapshot_xmin(it.seen)::text::bigint AS \"trueup:oldest\",\n  \
         concat_ws(' ', {basis}, (SELECT system_identifier FROM pg_control_system()), pg_snapshot_xmax(it.seen)::text::bigint >> {ERA_SHIFT}) AS \"trueup:of\"\n  \
         FROM (SELECT pg_current_snapshot() AS seen, ({catalog}) AS shown OFFSET 0) AS it\n)",
        shown = literal(&stability.shown),
        basis = literal(&stability.basis),
        catalog = stability.catalog,
    )
}

/// The mark of the row `db`, beside [`basis`] in the same FROM; NULL for a row that must not be passed over later.
pub(crate) fn mark(stability: &Stability) -> String {
    format!(
        "CASE WHEN \"trueup:basis\".\"trueup:holds\" AND db.tableoid::bigint = {relation} \
         AND ((db.xmin::text::bigint - \"trueup:basis\".\"trueup:oldest\") & {XID_MASK}) >= {HALF_OF_XIDS} \
         THEN hashtextextended(concat_ws(' ', db.xmin, db.ctid, \"trueup:basis\".\"trueup:of\"), 0) END",
        relation = stability.relation,
    )
}
