//! What waits for a call: groups of keys that belong together, by contract, oldest first. Pure.

use std::collections::{HashMap, HashSet, VecDeque};

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::{AskedKey, Key};
use crate::{ReadError, Reading};

/// What the keys of a group came to, in their order: one response has answered all of them.
pub(crate) type GroupAnswer = Result<Vec<Reading>, ReadError>;

/// Who waits for a group: which place in whose answer.
#[derive(Debug, Clone)]
pub(crate) struct Waiter {
    pub(crate) place: usize,
    pub(crate) answers: UnboundedSender<(usize, GroupAnswer)>,
}

/// A group with everyone who waits for it. Most groups are one key.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) asked: Vec<AskedKey>,
    pub(crate) waiters: Vec<Waiter>,
    /// The distinct keys that a call carries for it.
    carries: Vec<Key>,
    since: Instant,
}

/// What tells groups apart.
type GroupId = Vec<Key>;

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    wanted: HashMap<GroupId, Wanted>,
    /// By the contract of their first keys.
    lots: HashMap<Option<Key>, VecDeque<GroupId>>,
    /// The lots that hold something, in the order in which they began to.
    order: VecDeque<Option<Key>>,
    /// The keys that one call of everything would carry, instances included, and how many groups want each.
    carried: HashMap<Key, usize>,
}

// === impl Wanted ===

impl Wanted {
    /// Tells everyone who still listens.
    pub(crate) fn answer(self, answer: GroupAnswer) {
        let mut waiters = self.waiters;
        let last = waiters.pop();
        // Whoever went away needs no answer.
        for waiter in waiters {
            let _ = waiter.answers.send((waiter.place, answer.clone()));
        }
        if let Some(waiter) = last {
            let _ = waiter.answers.send((waiter.place, answer));
        }
    }

    fn is_given_up(&self) -> bool {
        self.waiters.iter().all(|waiter| waiter.answers.is_closed())
    }
}

// === impl Pending ===

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// How many keys a call of everything would carry, instances included.
    pub(crate) fn size(&self) -> usize {
        self.carried.len()
    }

    /// Since when the one that came first waits.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let heads = self.lots.values().filter_map(VecDeque::front);
        heads.filter_map(|id| self.wanted.get(id)).map(|wanted| wanted.since).min()
    }

    pub(crate) fn add(&mut self, asked: Vec<AskedKey>, waiter: Waiter, now: Instant) {
        let id: GroupId = asked.iter().map(|asked| asked.key.clone()).collect();
        if let Some(wanted) = self.wanted.get_mut(&id) {
            wanted.waiters.push(waiter);
            return;
        }
        let contract = asked.first().and_then(|asked| asked.instance.clone());
        let lot = self.lots.entry(contract.clone()).or_default();
        if lot.is_empty() {
            self.order.push_back(contract);
        }
        lot.push_back(id.clone());
        let mut carries: Vec<Key> = carried(&asked).cloned().collect();
        carries.sort_unstable();
        carries.dedup();
        for key in &carries {
            *self.carried.entry(key.clone()).or_default() += 1;
        }
        let wanted = Wanted { asked, waiters: vec![waiter], carries, since: now };
        self.wanted.insert(id, wanted);
    }

    /// Takes what one call of `limit` keys carries, oldest lots first; a group that is larger goes alone. Groups that
    /// nobody waits for any more are dropped. Empty only if nothing is left.
    pub(crate) fn take(&mut self, limit: usize) -> Vec<Wanted> {
        let mut taken = Vec::new();
        let mut call: HashSet<Key> = HashSet::new();
        while let Some(contract) = self.order.pop_front() {
            let mut lot = self.lots.remove(&contract).unwrap_or_default();
            while let Some(id) = lot.pop_front() {
                let Some(wanted) = self.wanted.remove(&id) else { continue };
                if wanted.is_given_up() {
                    self.forget(&wanted.carries);
                    continue;
                }
                // What groups share is carried once: a pool's totals cost one key, however many positions come along.
                let more = wanted.carries.iter().filter(|key| !call.contains(*key)).count();
                if call.len() + more > limit && !taken.is_empty() {
                    self.wanted.insert(id.clone(), wanted);
                    lot.push_front(id);
                    self.order.push_front(contract.clone());
                    self.lots.insert(contract, lot);
                    return taken;
                }
                self.forget(&wanted.carries);
                call.extend(wanted.carries.iter().cloned());
                taken.push(wanted);
            }
        }
        taken
    }

    fn forget(&mut self, keys: &[Key]) {
        for key in keys {
            if let Some(groups) = self.carried.get_mut(key) {
                *groups -= 1;
                if *groups == 0 {
                    self.carried.remove(key);
                }
            }
        }
    }
}

/// What a call carries for these keys: they, and their contracts' instances. Not distinct.
pub(crate) fn carried(asked: &[AskedKey]) -> impl Iterator<Item = &Key> {
    asked.iter().flat_map(|asked| [Some(&asked.key), asked.instance.as_ref()]).flatten()
}
