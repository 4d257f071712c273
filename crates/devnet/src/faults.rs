//! Fault switches: what an endpoint does wrong, on purpose.
//!
//! Every endpoint has its own, so that several endpoints can disagree over one
//! chain. They can be turned at any time, also by `POST /faults`.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

/// What an endpoint does wrong. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Faults {
    /// Milliseconds that every answer takes longer.
    pub latency_ms: u64,
    /// How many of the next requests fail with [`Faults::fail_status`].
    pub fail_next: u32,
    /// How many of a hundred requests fail with [`Faults::fail_status`].
    pub fail_percent: u8,
    /// The HTTP status of failures; 503 if it is 0.
    pub fail_status: u16,
    /// Seed of the dice for [`Faults::fail_percent`].
    pub seed: u64,
    /// How many of the next requests never get an answer.
    pub hang_next: u32,
    /// How many of the next requests are answered with something that is not JSON.
    pub garbage_next: u32,
    /// How many ledgers the endpoint is behind (at most
    /// [`crate::UNDO_LEDGERS`], and not past the oldest ledger).
    pub lag_ledgers: u32,
    /// The oldest ledger of which the endpoint still has history.
    pub oldest_ledger: Option<u32>,
    /// Entries that this endpoint answers differently: base64 `LedgerKey` →
    /// base64 `LedgerEntryData`, or `null` for "no such entry".
    pub split_brain: BTreeMap<String, Option<String>>,
    /// Base64 `LedgerKey`s of entries that this endpoint shows as archived.
    pub archived: BTreeSet<String>,
    /// Base64 `LedgerKey`s of entries whose union discriminant this endpoint
    /// answers with one that no reader knows.
    pub unknown_unions: BTreeSet<String>,
    /// The passphrase that this endpoint claims.
    pub passphrase: Option<String>,
    /// How many keys a `getLedgerEntries` may have, if fewer than the usual 200.
    pub max_keys: Option<usize>,
    /// The protocol version that this endpoint claims.
    pub protocol_version: Option<u32>,
    /// No transaction is found.
    pub hide_transactions: bool,
    /// These transactions (lower-case hex hashes) are not found.
    pub hidden: BTreeSet<String>,
}

/// What a request meets before it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answer,
    Fail(u16),
    Hang,
    Garbage,
}

/// A set of faults that is shared with a running endpoint.
#[derive(Clone, Debug, Default)]
pub struct FaultSwitch {
    inner: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    faults: Faults,
    thrown: u64,
}

const HTTP_UNAVAILABLE: u16 = 503;

// === impl FaultSwitch ===

impl FaultSwitch {
    /// Switches that start as `faults`.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        let switch = Self::default();
        switch.set(faults);
        switch
    }

    /// Replaces all faults.
    pub fn set(&self, faults: Faults) {
        *self.lock() = State { faults, thrown: 0 };
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.set(Faults::default());
    }

    /// Changes some faults and leaves the others.
    pub fn update(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.lock().faults);
    }

    /// The faults as they are (counted ones: what is left).
    #[must_use]
    pub fn get(&self) -> Faults {
        self.lock().faults.clone()
    }

    /// Decides over one request, and counts it.
    pub(crate) fn fate(&self) -> (Fate, u64) {
        let mut state = self.lock();
        let latency_ms = state.faults.latency_ms;
        let status = match state.faults.fail_status {
            0 => HTTP_UNAVAILABLE,
            status => status,
        };
        let faults = &mut state.faults;
        let fate = if take_one(&mut faults.hang_next) {
            Fate::Hang
        } else if take_one(&mut faults.fail_next) {
            Fate::Fail(status)
        } else if take_one(&mut faults.garbage_next) {
            Fate::Garbage
        } else if faults.fail_percent > 0 {
            let seed = faults.seed;
            let percent = faults.fail_percent;
            state.thrown += 1;
            if dice(seed, state.thrown) % 100 < u64::from(percent) { Fate::Fail(status) } else { Fate::Answer }
        } else {
            Fate::Answer
        };
        (fate, latency_ms)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner.lock().unwrap_or_else(|e| e.into_inner())
    }
}

fn take_one(count: &mut u32) -> bool {
    let some = *count > 0;
    *count = count.saturating_sub(1);
    some
}

/// The `n`th throw of a seed (the finalizer of SplitMix64).
fn dice(seed: u64, n: u64) -> u64 {
    let mut z = seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
