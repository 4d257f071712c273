//! The rows of a report, a page at a time.

use std::collections::VecDeque;

use trueup_database::Pools;
use trueup_database::report::{self, DriftFilter, DriftRow, RepairFilter, RepairRow};
use trueup_judge::RunId;
use trueup_spec::Priority;

/// How many rows are held at a time; of some kB each.
pub(super) const PAGE: i64 = 1_000;

/// Rows that come page after page.
pub(super) trait Pages {
    type Row;

    /// The next ones, at most `limit`; none when all were given.
    async fn next(&mut self, limit: i64) -> anyhow::Result<Vec<Self::Row>>;
}

/// The drifts of a run.
pub(super) struct Drifts<'a> {
    pools: &'a Pools,
    run: RunId,
    /// What is still to be read: the drifts that each of these takes, one after the other.
    parts: VecDeque<DriftFilter>,
    /// The last one that was read of the first part.
    last: Option<DriftRow>,
}

// === impl Drifts ===

impl<'a> Drifts<'a> {
    /// In the order of kind, class and entity.
    pub(super) fn of(pools: &'a Pools, run: RunId, at_least: Option<Priority>) -> Self {
        Self { pools, run, parts: VecDeque::from([DriftFilter { at_least, exactly: None }]), last: None }
    }

    /// The same within each priority; the highest first.
    pub(super) fn most_urgent_first(pools: &'a Pools, run: RunId, at_least: Option<Priority>) -> Self {
        let parts = Priority::ALL.into_iter().rev().map(|priority| DriftFilter { at_least, exactly: Some(priority) });
        Self { parts: parts.collect(), ..Self::of(pools, run, at_least) }
    }
}

impl Pages for Drifts<'_> {
    type Row = DriftRow;

    async fn next(&mut self, limit: i64) -> anyhow::Result<Vec<DriftRow>> {
        let mut found = Vec::new();
        while let Some(part) = self.parts.front() {
            let wanted = limit - i64::try_from(found.len())?;
            let mut connection = self.pools.read.acquire().await?;
            let page = report::drifts(&mut connection, self.run, *part, self.last.as_ref(), wanted).await?;
            let is_full = i64::try_from(page.len())? == wanted;
            self.last = page.last().cloned();
            found.extend(page);
            if is_full {
                break;
            }
            self.parts.pop_front();
            self.last = None;
        }
        Ok(found)
    }
}

/// The repairs of a run.
pub(super) struct Repairs<'a> {
    pools: &'a Pools,
    filter: RepairFilter,
    last: i64,
}

// === impl Repairs ===

impl<'a> Repairs<'a> {
    pub(super) fn of(pools: &'a Pools, run: RunId) -> Self {
        Self { pools, filter: RepairFilter { run: Some(run.0), ..RepairFilter::default() }, last: 0 }
    }
}

impl Pages for Repairs<'_> {
    type Row = RepairRow;

    async fn next(&mut self, limit: i64) -> anyhow::Result<Vec<RepairRow>> {
        let mut connection = self.pools.read.acquire().await?;
        let page = report::repairs(&mut connection, &self.filter, self.last, limit).await?;
        self.last = page.last().map_or(self.last, |repair| repair.id);
        Ok(page)
    }
}
