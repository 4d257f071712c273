//! Entries that belong together: read in one call, so that one response, which is one ledger, shows all of them.
//!
//! A group that no call carries is read over several, and counts only if what these showed goes together; else all of
//! it is read again.

use std::collections::HashSet;

use stellar_xdr::LedgerKey;

use super::pending::{GroupAnswer, carried};
use super::{AskedKey, Batch, Intent, asked_keys};
use crate::error::{HTTP_TOO_LARGE, RPC_INVALID_PARAMS};
use crate::{ReadError, Reading};

/// How often a group that no call carries is read until its entries go together.
const READS_MAX: usize = 3;

// === impl Batch ===

impl Batch {
    /// See [`Chain::read_groups`](crate::Chain::read_groups).
    pub(crate) async fn read_groups(&self, groups: &[Vec<LedgerKey>], intent: Intent) -> Vec<GroupAnswer> {
        // Encoded as one list, so that keys of one contract share its instance.
        let mut encoded = asked_keys(groups.iter().flatten()).into_iter();
        let mut next = |length: usize| encoded.by_ref().take(length).collect::<Vec<_>>();
        let asked: Vec<Result<Vec<AskedKey>, _>> = groups.iter().map(|group| next(group.len()).into_iter().collect()).collect();
        let is_too_large = |asked: &Vec<AskedKey>| carried(asked).collect::<HashSet<_>>().len() > self.keys_per_call();

        let mut apart = Vec::new();
        let mut together = Vec::with_capacity(asked.len());
        let mut places = Vec::with_capacity(asked.len());
        for (place, asked) in asked.into_iter().enumerate() {
            if asked.as_ref().is_ok_and(is_too_large) {
                apart.push(place);
            } else {
                places.push(place);
                together.push(asked);
            }
        }
        let mut answers: Vec<GroupAnswer> = groups.iter().map(|_| Ok(Vec::new())).collect();
        for (place, answer) in places.into_iter().zip(self.gather(together, Some(intent)).await) {
            // Several keys that are too much for one response may come one by one.
            if groups[place].len() > 1 && answer.as_ref().is_err_and(may_be_too_much) {
                apart.push(place);
            } else {
                answers[place] = answer;
            }
        }
        for _ in 0..READS_MAX {
            if apart.is_empty() {
                break;
            }
            let keys: Vec<LedgerKey> = apart.iter().flat_map(|place| &groups[*place]).cloned().collect();
            let mut readings = self.read(&keys, None).await.into_iter();
            apart.retain(|place| {
                let group: Result<Vec<Reading>, ReadError> =
                    readings.by_ref().take(groups[*place].len()).collect::<Vec<_>>().into_iter().collect();
                answers[*place] = group.and_then(consistent);
                matches!(answers[*place], Err(ReadError::Inconsistent { .. }))
            });
        }
        answers
    }
}

/// Whether it may be the number of keys that the server refused, or the size of its answer.
fn may_be_too_much(error: &ReadError) -> bool {
    matches!(
        error,
        ReadError::TooLarge { .. } | ReadError::Http { status: HTTP_TOO_LARGE, .. } | ReadError::Rpc { code: RPC_INVALID_PARAMS, .. }
    )
}

/// Readings of several responses, if they show one state: what each showed was still so when the others were read. Of
/// an entry that is absent nobody knows since when, so that it goes together with nothing of another response.
fn consistent(readings: Vec<Reading>) -> GroupAnswer {
    let inconsistent = |reading: &Reading, what: String| ReadError::Inconsistent { endpoint: reading.stamp.endpoint.clone(), what };
    let Some(earliest) = readings.iter().min_by_key(|reading| reading.stamp.ledger) else { return Ok(readings) };
    let ledger = earliest.stamp.ledger;
    for reading in &readings {
        match reading.stamp.last_modified {
            Some(modified) if modified <= ledger => {}
            Some(modified) => {
                let what = format!("one was read in ledger {ledger}, and another was modified in ledger {modified}");
                return Err(inconsistent(reading, what));
            }
            None => return Err(inconsistent(reading, "one of them is not there, and was read in a call of its own".to_owned())),
        }
    }
    Ok(readings)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trueup_judge::Stamp;

    use super::*;

    fn reading(ledger: u32, last_modified: Option<u32>) -> Reading {
        let stamp = Stamp { endpoint: "a".to_owned(), ledger, last_modified, archived: false, confirmed_by: None };
        Reading { stamp, entry: None, with_instance: true, runs: None }
    }

    fn is_consistent(readings: Vec<Reading>) -> bool {
        consistent(readings).is_ok()
    }

    #[test]
    fn readings_go_together_if_nothing_changed_between_them() {
        assert!(is_consistent(vec![reading(10, Some(3)), reading(12, Some(10))]));
        assert!(!is_consistent(vec![reading(10, Some(3)), reading(12, Some(11))]), "it changed after the first read");
        assert!(!is_consistent(vec![reading(12, Some(11)), reading(10, Some(3))]), "in either order");
    }

    #[test]
    fn an_absence_goes_together_with_nothing_of_another_response() {
        assert!(!is_consistent(vec![reading(10, Some(3)), reading(10, None)]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// Of entries that change at random, what goes together is what one ledger showed.
        #[test]
        fn what_goes_together_is_the_state_of_one_ledger(
            changes in prop::collection::vec(prop::collection::btree_set(1_u32..20, 1..6), 1..5),
            reads in prop::collection::vec(1_u32..20, 5),
        ) {
            let modified = |entry: usize, ledger: u32| changes[entry].range(..=ledger).next_back().copied();
            let readings: Vec<Reading> = (0..changes.len()).map(|entry| reading(reads[entry], modified(entry, reads[entry]))).collect();
            let ledger = readings.iter().map(|reading| reading.stamp.ledger).min().unwrap_or_default();
            let is_one_state = (0..changes.len()).all(|entry| {
                modified(entry, ledger).is_some() && modified(entry, ledger) == modified(entry, reads[entry])
            });
            prop_assert_eq!(is_consistent(readings), is_one_state);
        }
    }
}
