use std::fmt::{self, Debug, Formatter};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use trueup_judge::EntityKind;

/// A statement that reads the application's tables for a batch of entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reading {
    /// Rows are located.
    Locate,
    /// Rows are compared with the chain's values.
    Compare,
    /// Keys are located.
    LocateKeys,
    /// Rows are made of keys and the chain's values.
    NewRows,
    /// The rows of a range are listed.
    Rows,
    /// It is seen which rows of a range have moved.
    Sieve,
}

/// How long a statement took that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// Whose tables it read.
    pub kind: EntityKind,
    /// What it read them for.
    pub reading: Reading,
    /// Of how many entities; at least 1.
    pub entities: usize,
    /// From its first byte to its answer's last. The wait for a connection is not part of it.
    pub took: Duration,
}

type Watch = Arc<dyn Fn(Timed) + Send + Sync>;

/// Counts SQL statements, and times those over the application's tables. Its clones count together.
#[derive(Clone, Default)]
pub struct Statements(Arc<Shared>);

#[derive(Default)]
struct Shared {
    sent: AtomicU64,
    watch: RwLock<Option<Watch>>,
}

// === impl Statements ===

impl Statements {
    /// Counts one statement that is about to be sent.
    pub fn add(&self) {
        self.0.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.sent.load(Ordering::Relaxed)
    }

    /// From now on tells `watch`, and nobody else, how long statements over the application's tables take. It is called
    /// beside them, and must not block.
    pub fn watch(&self, watch: impl Fn(Timed) + Send + Sync + 'static) {
        *self.0.watch.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(watch));
    }

    /// Counts a statement over the application's tables that is about to be sent on a connection at hand.
    pub(crate) fn begin(&self, kind: &EntityKind, reading: Reading) -> Running<'_> {
        self.add();
        Running { statements: self, kind: kind.clone(), reading, begun: Instant::now() }
    }
}

impl Debug for Statements {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Statements").field(&self.total()).finish()
    }
}

/// A statement that is under way. One that fails, or is given up, is not timed: it says nothing of how long its like
/// take.
pub(crate) struct Running<'s> {
    statements: &'s Statements,
    kind: EntityKind,
    reading: Reading,
    begun: Instant,
}

// === impl Running ===

impl Running<'_> {
    /// It has answered of so many entities. An answer of none says nothing of what one takes.
    pub(crate) fn answered(self, entities: usize) {
        let took = self.begun.elapsed();
        let watch = self.statements.0.watch.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(watch) = watch.filter(|_| entities > 0) {
            watch(Timed { kind: self.kind, reading: self.reading, entities, took });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn a_statement_is_counted_at_once_and_timed_once_it_has_answered() {
        let (statements, kind) = (Statements::default(), EntityKind("loan".into()));
        let seen: Arc<Mutex<Vec<Timed>>> = Arc::default();
        let watching = Arc::clone(&seen);
        statements.clone().watch(move |timed| watching.lock().expect("nobody panics").push(timed));
        drop(statements.begin(&kind, Reading::Locate));
        statements.begin(&kind, Reading::LocateKeys).answered(0);
        statements.begin(&kind, Reading::Compare).answered(9);
        let seen: Vec<_> = seen.lock().expect("nobody panics").iter().map(|timed| (timed.reading, timed.entities)).collect();
        assert_eq!((statements.total(), seen), (3, vec![(Reading::Compare, 9)]));
    }
}
