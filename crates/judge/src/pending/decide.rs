use super::{AccountSeen, Answer, Checkpoint, Evidence, LedgerTime};

/// What a transaction is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionState {
    /// Final.
    Succeeded,
    /// Final.
    Failed {
        /// See [`Answer::Failed`].
        code: String,
    },
    /// Final: no ledger holds it, and none can any more.
    Expired,
    /// Final: no ledger holds it, and another transaction has used its sequence number.
    Superseded,
    /// Not decided: look again later.
    InFlight,
    /// It may have been decided in a ledger that nobody who was asked keeps. Never to be marked failed.
    Pruned,
}

/// What a decision rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// The ledger that holds it.
    Ledger,
    /// The archive's record of the ledger that holds it.
    Archive,
    /// Its account had a lower sequence number when its time was over.
    Sequence,
    /// The endpoint did not find it, twice, after its time was over.
    Absence,
    /// Its sequence number is used, and the endpoint did not find it.
    SequenceUsed,
    /// Nothing is decided.
    Undecided,
}

/// What a transaction is, and what to remember of the look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What it is.
    pub state: TransactionState,
    /// Why.
    pub because: Because,
    /// For the next look; none if there is nothing to remember.
    pub checkpoint: Option<Checkpoint>,
    /// Nothing is missing but a second answer of the same endpoint: a look soon after may decide.
    pub nearly: bool,
}

// === impl TransactionState ===

impl TransactionState {
    /// It will not become anything else.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        !matches!(self, Self::InFlight | Self::Pruned)
    }
}

// === impl Because ===

impl Because {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Archive => "archive",
            Self::Sequence => "sequence",
            Self::Absence => "absence",
            Self::SequenceUsed => "sequence_used",
            Self::Undecided => "undecided",
        }
    }
}

/// Decides what a transaction is. An error of an endpoint is no evidence: who has no answer does not call this.
///
/// A server looks the transaction up *before* it says what its latest ledger is (stellar-rpc, `GetTransaction`), so
/// that one answer proves no absence up to its own tip. Hence the earlier answer of the same endpoint, and hence
/// drift needs two looks in any case.
#[must_use]
pub fn pending_transaction(seen: &Evidence) -> Decision {
    let earlier = seen.earlier.clone().filter(|earlier| earlier.hash == seen.hash);
    let found = |answer: &Answer, because: Because| {
        let state = match answer {
            Answer::Success => TransactionState::Succeeded,
            Answer::Failed { code } => TransactionState::Failed { code: code.clone() },
            Answer::NotFound => return None,
        };
        Some(Decision { state, because, checkpoint: earlier.clone(), nearly: false })
    };
    found(&seen.answer, Because::Ledger).unwrap_or_else(|| {
        let decision = not_found(seen, earlier.as_ref());
        match (&decision.state, &seen.archive) {
            (TransactionState::Pruned, Some(archive)) => found(archive, Because::Archive).unwrap_or(decision),
            _ => decision,
        }
    })
}

fn not_found(seen: &Evidence, earlier: Option<&Checkpoint>) -> Decision {
    let (oldest, latest) = (seen.retention.oldest, seen.retention.latest);
    let mut checkpoint = earlier.cloned().unwrap_or_else(|| Checkpoint { hash: seen.hash.clone(), ..Checkpoint::default() });
    let sequence = sequence(seen);
    if let Sequence::Below(ledger) = sequence {
        checkpoint.unapplied(ledger, oldest.ledger);
    }
    let covered = is_covered(seen, &checkpoint);
    let ended = covered && seen.terms.is_some_and(|terms| terms.has_ended(latest.ledger, Some(latest.close_time)));
    if ended {
        checkpoint.ended(&seen.endpoint, latest);
    }
    let ended_before = earlier.and_then(|earlier| earlier.ended_at.get(&seen.endpoint)).is_some_and(|tip| tip.ledger <= latest.ledger);
    let (state, because) = match sequence {
        Sequence::Below(ledger) if has_ended_at(seen, ledger, earlier) => (TransactionState::Expired, Because::Sequence),
        _ if ended && ended_before => (TransactionState::Expired, Because::Absence),
        Sequence::Used(ledger) if covered && !has_end(seen) && latest.ledger >= ledger => {
            (TransactionState::Superseded, Because::SequenceUsed)
        }
        _ if covered || matches!(sequence, Sequence::Below(_)) => (TransactionState::InFlight, Because::Undecided),
        _ => (TransactionState::Pruned, Because::Undecided),
    };
    let nearly = state == TransactionState::InFlight && ended && !ended_before;
    Decision { state, because, checkpoint: Some(checkpoint).filter(|it| !it.is_empty()), nearly }
}

/// The account's sequence number beside the transaction's.
#[derive(Debug, Clone, Copy)]
enum Sequence {
    /// Not reached as of that ledger: the transaction is in no ledger up to it.
    Below(u32),
    /// Reached as of that ledger, by the transaction or by another.
    Used(u32),
    /// There is no envelope or no account.
    Unknown,
}

fn sequence(seen: &Evidence) -> Sequence {
    match (seen.terms, seen.account) {
        (Some(terms), Some(AccountSeen { sequence: Some(sequence), ledger, .. })) => {
            if sequence < terms.sequence {
                Sequence::Below(ledger)
            } else {
                Sequence::Used(ledger)
            }
        }
        _ => Sequence::Unknown,
    }
}

fn has_end(seen: &Evidence) -> bool {
    seen.terms.is_none_or(|terms| terms.has_end())
}

/// The ledgers that the endpoint keeps are all that could hold the transaction.
///
/// Not if its very number was used in a ledger before them, whatever the application says of the submission: that may
/// have been this transaction.
fn is_covered(seen: &Evidence, checkpoint: &Checkpoint) -> bool {
    let oldest = seen.retention.oldest;
    let number_used_in = seen.account.zip(seen.terms).filter(|(account, terms)| account.sequence == Some(terms.sequence));
    if number_used_in.and_then(|(account, _)| account.since).is_some_and(|ledger| ledger < oldest.ledger) {
        return false;
    }
    let times = [seen.submitted, seen.terms.and_then(|terms| terms.min_time)];
    times.into_iter().flatten().any(|time| oldest.close_time <= time)
        || seen.terms.and_then(|terms| terms.min_ledger).is_some_and(|ledger| oldest.ledger <= ledger)
        || checkpoint.unapplied_at.is_some_and(|ledger| oldest.ledger <= ledger.saturating_add(1))
}

/// No ledger after this one may hold the transaction. When it closed is not said with an account; it closed no earlier
/// than a ledger before it, of which that is known.
fn has_ended_at(seen: &Evidence, ledger: u32, earlier: Option<&Checkpoint>) -> bool {
    let Some(terms) = seen.terms else { return false };
    let remembered = earlier.into_iter().flat_map(|earlier| earlier.ended_at.values().copied());
    let known = [seen.retention.oldest, seen.retention.latest].into_iter().chain(remembered);
    let close_time = known.filter(|it: &LedgerTime| it.ledger <= ledger).map(|it| it.close_time).max();
    terms.has_ended(ledger, close_time)
}
