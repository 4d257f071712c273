//! How an endpoint stands. Pure: the caller says what time it is.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::HTTP_TOO_MANY;
use crate::rpc::Method;
use crate::{Network, ReadError};

/// After how many failures in a row an endpoint is set aside.
pub(crate) const FAILURES_MAX: u32 = 3;
/// For how long it is set aside the first time. It doubles with each failure that follows.
pub(crate) const COOL_OFF_FIRST: Duration = Duration::from_secs(2);
/// The longest that it is.
pub(crate) const COOL_OFF_MAX: Duration = Duration::from_secs(120);
/// How long an endpoint is left alone that refuses for being asked too often and does not say how long.
pub(crate) const BACK_OFF: Duration = Duration::from_secs(1);

/// What is known of an endpoint.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// In a row.
    failures: u32,
    cools_until: Option<Instant>,
    backs_off_until: Option<Instant>,
    is_lagging: bool,
    pub(crate) identity: Identity,
    /// The newest ledger that an answer was of, by the method's place in `Method::ALL`.
    said: [u32; Method::ALL.len()],
    /// Why it is set aside, and since when.
    aside: Option<(Instant, String)>,
    /// When it was set aside before, and why; the newest last.
    history: Vec<(Instant, String)>,
}

/// Which network an endpoint is of.
#[derive(Debug, Clone, Default)]
pub(crate) enum Identity {
    /// Not known, or not any more: to be asked before it is used.
    #[default]
    Unchecked,
    /// The right one, when it was asked last.
    Right { network: Network, checked: Instant },
    /// Another one. It is never used again.
    Wrong { expected: String, found: String },
}

/// What changed for the endpoint, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    SetAside,
    Returned,
    None,
}

/// How fit an endpoint is to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fitness {
    Fit,
    /// It wants to be left alone until then.
    BacksOff {
        until: Instant,
    },
    /// It failed that often in a row, and has not answered a probe since.
    Cools {
        failures: u32,
    },
    Lags,
    Wrong,
}

/// How many times of having been set aside are remembered.
const HISTORY_MAX: usize = 20;

// === impl Standing ===

impl Standing {
    pub(crate) fn fitness(&self, now: Instant) -> Fitness {
        if matches!(self.identity, Identity::Wrong { .. }) {
            return Fitness::Wrong;
        }
        if self.is_lagging {
            return Fitness::Lags;
        }
        if self.failures >= FAILURES_MAX {
            return Fitness::Cools { failures: self.failures };
        }
        match self.backs_off_until {
            Some(until) if now < until => Fitness::BacksOff { until },
            _ => Fitness::Fit,
        }
    }

    /// It failed so often that it is not even probed, for a while.
    pub(crate) fn is_resting(&self, now: Instant) -> bool {
        self.cools_until.is_some_and(|until| now < until)
    }

    /// The newest ledger that any of its answers was of.
    pub(crate) fn tip(&self) -> u32 {
        if matches!(self.identity, Identity::Wrong { .. }) {
            return 0;
        }
        self.said.iter().copied().max().unwrap_or_default()
    }

    /// The newest ledger that an answer of this method was of.
    pub(crate) fn said(&self, method: Method) -> u32 {
        self.said[method as usize]
    }

    /// Why it is set aside, and since when; none while it is used.
    pub(crate) fn aside(&self) -> Option<&(Instant, String)> {
        self.aside.as_ref()
    }

    /// When and why it was set aside, the newest last.
    pub(crate) fn history(&self) -> &[(Instant, String)] {
        &self.history
    }

    /// It answered, as of that ledger.
    pub(crate) fn answered(&mut self, method: Method, ledger: u32) -> Turn {
        let said = &mut self.said[method as usize];
        *said = ledger.max(*said);
        self.failures = 0;
        self.cools_until = None;
        self.return_if_fit()
    }

    /// It failed. `identity` must be asked again if it could not be reached: something else may be there next time.
    pub(crate) fn failed(&mut self, error: &ReadError, now: Instant) -> Turn {
        if let ReadError::Http { status: HTTP_TOO_MANY, retry_after, .. } = error {
            self.backs_off_until = Some(now + retry_after.unwrap_or(BACK_OFF));
            return Turn::None;
        }
        if let (ReadError::Transport { .. }, Identity::Right { .. }) = (error, &self.identity) {
            self.identity = Identity::Unchecked;
        }
        self.failures = self.failures.saturating_add(1);
        let Some(beyond) = self.failures.checked_sub(FAILURES_MAX) else { return Turn::None };
        let cool_off = COOL_OFF_FIRST.saturating_mul(1_u32.checked_shl(beyond).unwrap_or(u32::MAX)).min(COOL_OFF_MAX);
        self.cools_until = Some(now + cool_off);
        self.set_aside(format!("{} failures in a row, the last: {error}", self.failures), now)
    }

    /// It is behind the others, or not any more.
    pub(crate) fn compared(&mut self, behind: Option<String>, now: Instant) -> Turn {
        self.is_lagging = behind.is_some();
        match behind {
            Some(why) => self.set_aside(why, now),
            None => self.return_if_fit(),
        }
    }

    /// It belongs to another network.
    pub(crate) fn is_of_another_network(&mut self, expected: &str, found: &str, now: Instant) -> Turn {
        self.identity = Identity::Wrong { expected: expected.to_owned(), found: found.to_owned() };
        // Whatever it was set aside for before, this is worse, and news.
        self.aside = None;
        self.set_aside(format!("it belongs to the network `{found}`"), now)
    }

    fn set_aside(&mut self, why: String, now: Instant) -> Turn {
        match &mut self.aside {
            Some((_, reason)) => {
                *reason = why;
                Turn::None
            }
            None => {
                if self.history.len() == HISTORY_MAX {
                    self.history.remove(0);
                }
                self.history.push((now, why.clone()));
                self.aside = Some((now, why));
                Turn::SetAside
            }
        }
    }

    fn return_if_fit(&mut self) -> Turn {
        let is_fit = !self.is_lagging && self.failures == 0 && !matches!(self.identity, Identity::Wrong { .. });
        if is_fit && self.aside.take().is_some() { Turn::Returned } else { Turn::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> ReadError {
        ReadError::Transport { endpoint: "a:1".into(), what: "refused".into() }
    }

    #[test]
    fn failures_in_a_row_set_it_aside_and_one_answer_brings_it_back() {
        let (mut it, now) = (Standing::default(), Instant::now());
        for _ in 1..FAILURES_MAX {
            assert_eq!((it.failed(&broken(), now), it.fitness(now)), (Turn::None, Fitness::Fit));
        }
        assert_eq!(it.failed(&broken(), now), Turn::SetAside);
        assert_eq!(it.fitness(now + COOL_OFF_MAX), Fitness::Cools { failures: 3 }, "time alone brings nobody back");
        assert_eq!(it.answered(Method::GetHealth, 7), Turn::Returned);
        assert_eq!((it.fitness(now), it.aside(), it.history().len()), (Fitness::Fit, None, 1));
        assert_eq!(it.failed(&broken(), now), Turn::None, "it counts from nothing again");
    }

    #[test]
    fn the_rest_between_probes_doubles_and_is_bounded() {
        let (mut it, now) = (Standing::default(), Instant::now());
        for _ in 0..FAILURES_MAX {
            it.failed(&broken(), now);
        }
        assert!(it.is_resting(now) && !it.is_resting(now + COOL_OFF_FIRST));
        it.failed(&broken(), now);
        assert!(it.is_resting(now + COOL_OFF_FIRST) && !it.is_resting(now + COOL_OFF_FIRST * 2));
        for _ in 0..100 {
            it.failed(&broken(), now);
        }
        assert!(it.is_resting(now + COOL_OFF_MAX - Duration::from_millis(1)) && !it.is_resting(now + COOL_OFF_MAX));
    }

    #[test]
    fn too_many_requests_is_no_failure_but_a_pause() {
        let (mut it, now) = (Standing::default(), Instant::now());
        let pause = Duration::from_secs(4);
        let busy = |retry_after| ReadError::Http { endpoint: "a:1".into(), status: HTTP_TOO_MANY, what: String::new(), retry_after };
        for _ in 0..10 {
            assert_eq!(it.failed(&busy(Some(pause)), now), Turn::None);
        }
        assert_eq!(it.fitness(now), Fitness::BacksOff { until: now + pause });
        assert_eq!(it.fitness(now + pause), Fitness::Fit);
        it.failed(&busy(None), now);
        assert_eq!(it.fitness(now), Fitness::BacksOff { until: now + BACK_OFF });
    }

    #[test]
    fn who_is_behind_returns_when_it_is_not_any_more() {
        let (mut it, now) = (Standing::default(), Instant::now());
        assert_eq!(it.compared(Some("behind".into()), now), Turn::SetAside);
        assert_eq!(it.answered(Method::GetLedgerEntries, 9), Turn::None);
        assert_eq!(it.fitness(now), Fitness::Lags, "answers alone do not bring it back");
        assert_eq!(it.compared(None, now), Turn::Returned);
        assert_eq!(it.fitness(now), Fitness::Fit);
    }

    #[test]
    fn another_network_is_for_good() {
        let (mut it, now) = (Standing::default(), Instant::now());
        it.answered(Method::GetHealth, 1_000_000);
        assert_eq!(it.is_of_another_network("a", "b", now), Turn::SetAside);
        assert_eq!((it.answered(Method::GetHealth, 5), it.compared(None, now)), (Turn::None, Turn::None));
        assert_eq!((it.fitness(now), it.tip()), (Fitness::Wrong, 0), "its ledgers are of another chain");
    }

    #[test]
    fn who_could_not_be_reached_must_say_again_which_network_it_is_of() {
        let (mut it, now) = (Standing::default(), Instant::now());
        let network = Network { passphrase: "a".into(), protocol_version: None };
        it.identity = Identity::Right { network, checked: now };
        it.failed(&ReadError::Garbage { endpoint: "a:1".into(), what: String::new() }, now);
        assert!(matches!(it.identity, Identity::Right { .. }));
        it.failed(&broken(), now);
        assert!(matches!(it.identity, Identity::Unchecked));
    }

    #[test]
    fn methods_go_back_in_time_each_for_itself() {
        let mut it = Standing::default();
        it.answered(Method::GetHealth, 10);
        it.answered(Method::GetTransaction, 9);
        it.answered(Method::GetHealth, 8);
        assert_eq!((it.said(Method::GetHealth), it.said(Method::GetTransaction), it.tip()), (10, 9, 10));
    }
}
