//! Whether the application is at work. Pure: the caller looks at it, at intervals.

/// How many looks the mean is over.
const LOOKS: u32 = 60;
/// How many looks it takes to say anything.
pub(super) const LOOKS_FIRST: u32 = 20;
/// One session at work all the time, in thousandths.
const ONE: u32 = 1_000;
/// Sessions at work on the mean, in thousandths, from which on the application is there. A person who looks at a table, or
/// something that asks once a second whether there is work, is not.
const THERE: u32 = 60;
/// Below so many it is gone.
const GONE: u32 = 25;

/// How many of the application's sessions are at work, on the mean.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Looks, as far as they count.
    looks: u32,
    /// In thousandths of a session.
    mean: u32,
    is_there: bool,
}

// === impl Beside ===

impl Beside {
    /// Notes how many were at work in a moment; whether the application is there.
    pub(super) fn note(&mut self, at_work: u32) -> bool {
        self.looks = (self.looks + 1).min(LOOKS);
        // A mean of the first looks, and then one that forgets.
        let now = u64::from(at_work.saturating_mul(ONE)) + u64::from(self.mean) * u64::from(self.looks - 1);
        self.mean = u32::try_from(now / u64::from(self.looks)).unwrap_or(u32::MAX);
        if self.looks >= LOOKS_FIRST {
            self.is_there = self.mean >= if self.is_there { GONE } else { THERE };
        }
        self.is_there
    }

    /// What was seen is old: what comes next counts alone. Until enough is known it is as it was.
    pub(super) fn forget(&mut self) {
        (self.looks, self.mean) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every so many looks one session is at work; what is said after the last.
    fn noted(beside: &mut Beside, looks: u32, every: u32) -> bool {
        (1..=looks).map(|look| beside.note(u32::from(look.is_multiple_of(every)))).last().unwrap_or_default()
    }

    #[test]
    fn an_application_that_works_a_tenth_of_the_time_is_there_as_soon_as_anything_is_known() {
        let mut beside = Beside::default();
        assert!(!noted(&mut beside, LOOKS_FIRST - 1, 10));
        assert!(noted(&mut beside, 1, 1));
        assert!((0..1_000).all(|_| noted(&mut beside, 10, 10)), "and stays");
    }

    #[test]
    fn one_statement_among_the_first_looks_is_chance() {
        for look in 0..LOOKS_FIRST {
            let mut beside = Beside::default();
            assert!((0..1_000).all(|now| !beside.note(u32::from(now == look))), "{look}");
        }
    }

    #[test]
    fn who_looks_in_once_a_second_is_no_application() {
        assert!((0..10).all(|_| !noted(&mut Beside::default(), 1_000, 50)));
    }

    #[test]
    fn it_is_gone_after_some_looks_that_find_nobody() {
        let mut beside = Beside::default();
        assert!(noted(&mut beside, 100, 1));
        assert!(beside.note(0), "a moment in which nobody works is none");
        assert!(!noted(&mut beside, 300, u32::MAX));
    }

    #[test]
    fn what_is_old_counts_no_more_and_nothing_changes_until_enough_is_known() {
        let mut beside = Beside::default();
        assert!(noted(&mut beside, 100, 1));
        beside.forget();
        assert!(noted(&mut beside, LOOKS_FIRST - 1, u32::MAX));
        assert!(!beside.note(0));
    }

    #[test]
    fn more_sessions_than_can_be_counted_are_no_error() {
        let mut beside = Beside::default();
        assert!((0..100).map(|_| beside.note(u32::MAX)).last().unwrap_or_default());
    }
}
