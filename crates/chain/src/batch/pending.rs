//! The keys that wait for a call, by contract, oldest first. Pure.

use std::collections::{HashMap, VecDeque};

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::{AskedKey, Key};
use crate::{ReadError, Reading};

/// Who waits for a key: which place in whose answer.
#[derive(Debug, Clone)]
pub(crate) struct Waiter {
    pub(crate) place: usize,
    pub(crate) answers: UnboundedSender<(usize, Result<Reading, ReadError>)>,
}

/// A key with everyone who waits for it.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) asked: AskedKey,
    pub(crate) waiters: Vec<Waiter>,
    since: Instant,
}

/// What waits.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    wanted: HashMap<Key, Wanted>,
    groups: HashMap<Option<Key>, VecDeque<Key>>,
    /// The groups that hold something, in the order in which they began to.
    order: VecDeque<Option<Key>>,
    /// What one call of everything would carry, instances included.
    size: usize,
}

// === impl Wanted ===

impl Wanted {
    /// Tells everyone who still listens.
    pub(crate) fn answer(self, answer: Result<Reading, ReadError>) {
        for waiter in self.waiters {
            // Whoever went away needs no answer.
            let _ = waiter.answers.send((waiter.place, answer.clone()));
        }
    }
}

// === impl Pending ===

impl Pending {
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// How many keys a call of everything would carry, instances included.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Since when the one that came first waits.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        let heads = self.groups.values().filter_map(VecDeque::front);
        heads.filter_map(|key| self.wanted.get(key)).map(|wanted| wanted.since).min()
    }

    pub(crate) fn add(&mut self, asked: AskedKey, waiter: Waiter, now: Instant) {
        if let Some(wanted) = self.wanted.get_mut(&asked.key) {
            wanted.waiters.push(waiter);
            return;
        }
        let key = asked.key.clone();
        let group = self.groups.entry(asked.instance.clone()).or_default();
        if group.is_empty() {
            self.order.push_back(asked.instance.clone());
            self.size += usize::from(asked.instance.is_some());
        }
        self.size += usize::from(!asked.is_instance());
        group.push_back(key.clone());
        self.wanted.insert(key, Wanted { asked, waiters: vec![waiter], since: now });
    }

    /// Takes what one call of `limit` keys carries, oldest groups first. Keys that nobody waits for any more are
    /// dropped. Empty only if nothing is left.
    pub(crate) fn take(&mut self, limit: usize) -> Vec<Wanted> {
        let mut taken = Vec::new();
        let mut room = limit;
        while let Some(id) = self.order.pop_front() {
            // A group costs its instance, and is worth opening only if one of its keys fits too.
            let instance = usize::from(id.is_some());
            let mut group = self.groups.remove(&id).unwrap_or_default();
            if room <= instance && !taken.is_empty() {
                self.put_back(id, group);
                break;
            }
            let mut opened = false;
            let mut is_full = false;
            while let Some(key) = group.pop_front() {
                let Some(wanted) = self.wanted.remove(&key) else { continue };
                let cost = usize::from(!wanted.asked.is_instance());
                if wanted.waiters.iter().all(|waiter| waiter.answers.is_closed()) {
                    self.size -= cost;
                    continue;
                }
                if room < cost + if opened { 0 } else { instance } {
                    self.wanted.insert(key.clone(), wanted);
                    group.push_front(key);
                    is_full = true;
                    break;
                }
                room -= cost + if opened { 0 } else { instance };
                opened = true;
                self.size -= cost;
                taken.push(wanted);
            }
            if is_full {
                self.put_back(id, group);
                break;
            }
            self.size -= instance;
        }
        taken
    }

    fn put_back(&mut self, id: Option<Key>, group: VecDeque<Key>) {
        self.order.push_front(id.clone());
        self.groups.insert(id, group);
    }
}
