use anyhow::Context as _;
use trueup_chain::{CONTRACTS_PER_CALL_MAX, Event, EventPage, EventsFrom, ReadError};
use trueup_database::events::{self, EventCursor, HoleReason, Moved, StoredEvent};

use super::tip::Tip;
use crate::context::Context;

/// JSON-RPC: the request is wrong, among others for ledgers that the endpoint does not have.
const RPC_REFUSED: [i64; 2] = [-32600, -32602];

/// Stores pages of events, one after the other.
///
/// What it remembers only saves work: where a page ended within a ledger. All that counts is in the database, so that
/// any number of feeders, in any number of processes, may be killed at any time.
#[derive(Debug)]
pub(crate) struct Feeder {
    within: Option<Within>,
    /// How many events the next page may have: fewer after one that was too much.
    page: usize,
    page_max: usize,
}

/// A page ended within a ledger.
#[derive(Debug)]
struct Within {
    contracts: Vec<String>,
    ledger: i64,
    cursor: String,
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Something moved, or has to be asked again.
    On,
    /// Everything up to the tip is stored.
    AtTip,
    /// The endpoint does not have what it said to have: another one answered, or it has pruned meanwhile.
    OutOfRange,
}

/// Contracts that stand at the same ledger, and are asked about together.
struct Group {
    contracts: Vec<String>,
    from: i64,
    /// Where the next group stands, or the tip ends.
    end: i64,
    /// Nothing of them has been stored yet.
    fresh: bool,
}

impl Feeder {
    pub(crate) const fn new(page_max: usize) -> Self {
        Self { within: None, page: page_max, page_max }
    }

    /// Stores one page of these contracts' events, of those that are furthest behind.
    pub(super) async fn step(&mut self, context: &Context, contracts: &[String], tip: &Tip) -> anyhow::Result<Step> {
        let mut connection = context.pools.write.acquire().await?;
        let mut cursors = events::cursors(&mut connection, contracts).await?;
        let unknown: Vec<String> =
            contracts.iter().filter(|contract| cursors.iter().all(|cursor| cursor.contract != **contract)).cloned().collect();
        if !unknown.is_empty() {
            events::begin(&mut connection, &unknown, tip.oldest, tip.oldest_time, tip.latest).await?;
            cursors = events::cursors(&mut connection, contracts).await?;
        }
        let Some(group) = Group::behind(&cursors, tip) else {
            events::saw_tip(&mut connection, contracts, tip.latest).await?;
            return Ok(Step::AtTip);
        };
        if group.from < tip.oldest {
            if group.fresh {
                events::begin(&mut connection, &group.contracts, tip.oldest, tip.oldest_time, tip.latest).await?;
                return Ok(Step::On);
            }
            drop(connection);
            self.leave_hole(context, &group, tip).await?;
            return Ok(Step::On);
        }
        drop(connection);
        let from = self.place(&group)?;
        match context.chain.events(&group.contracts, &from, self.page).await {
            Ok(page) => self.keep(context, &group, page).await,
            Err(ReadError::TooLarge { .. } | ReadError::Timeout { .. }) if self.page > 1 => {
                self.page /= 2;
                Ok(Step::On)
            }
            Err(ReadError::Rpc { code, message, .. }) if RPC_REFUSED.contains(&code) => {
                tracing::debug!(from = group.from, message, "the endpoint refused to list events");
                self.within = None;
                Ok(Step::OutOfRange)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn place(&self, group: &Group) -> anyhow::Result<EventsFrom> {
        match &self.within {
            Some(within) if within.ledger == group.from && within.contracts == group.contracts => {
                Ok(EventsFrom::Cursor(within.cursor.clone()))
            }
            _ => {
                let ledger = |ledger: i64| u32::try_from(ledger).with_context(|| format!("{ledger} is no ledger"));
                Ok(EventsFrom::Ledger { start: ledger(group.from)?, end: ledger(group.end)? })
            }
        }
    }

    /// A page, the cursors that move over it, and the touches of what it names, in one transaction.
    async fn keep(&mut self, context: &Context, group: &Group, page: EventPage) -> anyhow::Result<Step> {
        let was_full = page.events.len() >= self.page;
        let looked_on = page.next_ledger > page.latest_ledger || !page.events.is_empty();
        let to = i64::from(page.next_ledger).max(group.from);
        anyhow::ensure!(
            looked_on || to > group.from,
            "RPC {} lists no events from ledger {} on, and does not say how far it looked",
            page.endpoint,
            group.from
        );
        let passed = page.events.iter().filter(|event| i64::from(event.ledger) < to).map(|event| event.closed_at).max();
        let at_tip = page.latest_close_time.filter(|_| page.next_ledger > page.latest_ledger);
        let moved = Moved { from: group.from, to, until_time: at_tip.or(passed), tip_ledger: i64::from(page.latest_ledger) };
        let stored: Vec<StoredEvent> = page.events.into_iter().map(stored).collect();
        let unreadable = stored.iter().filter(|event| event.unreadable.is_some()).count();
        let mut tx = context.pools.write.begin().await?;
        let new = events::store(&mut tx, &stored).await?;
        let mut touched = 0;
        if !events::advance(&mut tx, &group.contracts, moved).await? {
            // Another feeder was here first.
            self.within = None;
            return Ok(Step::On);
        }
        for kind in context.kinds.values() {
            touched += kind.touch_of_events(&mut tx, &new, moved.tip_ledger).await?;
        }
        tx.commit().await?;
        if unreadable > 0 {
            tracing::warn!(unreadable, from = group.from, "stored events that cannot be read whole; `trueup events status` counts them");
        }
        tracing::debug!(from = group.from, to, new = new.len(), touched, contracts = group.contracts.len(), "stored events");
        self.page = self.page.saturating_mul(2).min(self.page_max);
        // An end within a ledger is gone on from by its cursor: a ledger may hold more than a page.
        self.within =
            (was_full || to == group.from).then(|| Within { contracts: group.contracts.clone(), ledger: to, cursor: page.cursor });
        Ok(Step::On)
    }

    async fn leave_hole(&mut self, context: &Context, group: &Group, tip: &Tip) -> anyhow::Result<()> {
        self.within = None;
        let moved = Moved { from: group.from, to: tip.oldest, until_time: None, tip_ledger: tip.latest };
        let mut tx = context.pools.write.begin().await?;
        if events::record_hole(&mut tx, &group.contracts, moved, HoleReason::Pruned, tip.oldest_time).await? {
            tx.commit().await?;
            tracing::error!(
                first_ledger = group.from,
                last_ledger = tip.oldest - 1,
                contracts = group.contracts.join(", "),
                "the RPC no longer keeps these ledgers: their events are missing, and the hole is recorded (`trueup events status`)"
            );
        }
        Ok(())
    }
}

impl Group {
    /// Those that are furthest behind; none if all are at the tip.
    fn behind(cursors: &[EventCursor], tip: &Tip) -> Option<Self> {
        let first = cursors.iter().filter(|cursor| cursor.next_ledger <= tip.latest).min_by_key(|cursor| cursor.next_ledger)?;
        let fresh = first.from_ledger == first.next_ledger;
        let together =
            |cursor: &&EventCursor| cursor.next_ledger == first.next_ledger && (cursor.from_ledger == cursor.next_ledger) == fresh;
        let ahead = cursors.iter().map(|cursor| cursor.next_ledger).filter(|next| *next > first.next_ledger).min();
        Some(Self {
            contracts: cursors.iter().filter(together).map(|cursor| cursor.contract.clone()).take(CONTRACTS_PER_CALL_MAX).collect(),
            from: first.next_ledger,
            end: ahead.unwrap_or(i64::MAX).min(tip.latest + 1),
            fresh,
        })
    }
}

fn stored(event: Event) -> StoredEvent {
    StoredEvent {
        id: event.id,
        ledger: i64::from(event.ledger),
        closed_at: event.closed_at,
        contract: event.contract,
        transaction: event.transaction,
        successful: event.successful,
        name: event.name,
        topics: event.topics,
        data: event.data,
        topics_xdr: event.topics_xdr,
        data_xdr: event.data_xdr,
        unreadable: event.unreadable,
    }
}
