//! What a statement usually takes. Pure: the caller says what time it is.

use std::collections::VecDeque;
use std::time::Duration;

/// Of how many statements one figure is made.
const BLOCK: usize = 16;
/// Of how many the first one is: until then nothing is slow.
const BLOCK_FIRST: usize = 4;
/// The figure is the lower quartile: what the statement takes when nothing is in its way, but not its luckiest moment.
const QUARTER: usize = 4;
/// What is remembered together, and forgotten together.
const EPOCH: Duration = Duration::from_mins(5);
/// For how long that is. What was usual half an hour ago, with fewer rows or another plan, is so no more.
const REMEMBERED: Duration = Duration::from_mins(30);

/// What statements of one sort take for each entity, in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Usual {
    block: Vec<u64>,
    /// The least of the figures of each epoch, the newest last.
    lows: VecDeque<(Duration, u64)>,
}

// === impl Usual ===

impl Usual {
    /// Notes what one took, and says what is usual; none as long as too few are known.
    pub(super) fn note(&mut self, took_ns: u64, now: Duration) -> Option<u64> {
        self.block.push(took_ns);
        if self.block.len() == BLOCK || self.lows.is_empty() && self.block.len() == BLOCK_FIRST {
            self.block.sort_unstable();
            let low = self.block[(self.block.len() - 1) / QUARTER];
            self.block.clear();
            self.keep(low, now);
        }
        while self.lows.len() > 1 && self.lows.front().is_some_and(|(since, _)| *since + REMEMBERED <= now) {
            self.lows.pop_front();
        }
        self.lows.iter().map(|(_, low)| *low).min()
    }

    fn keep(&mut self, low: u64, now: Duration) {
        match self.lows.back_mut() {
            Some((since, kept)) if now < *since + EPOCH => *kept = low.min(*kept),
            _ => self.lows.push_back((now, low)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(usual: &mut Usual, times: usize, took_ns: u64, now: Duration) -> Option<u64> {
        (0..times).map(|_| usual.note(took_ns, now)).last().flatten()
    }

    #[test]
    fn nothing_is_usual_before_a_few_are_known() {
        let mut usual = Usual::default();
        assert_eq!(noted(&mut usual, BLOCK_FIRST - 1, 10, Duration::ZERO), None);
        assert_eq!(usual.note(10, Duration::ZERO), Some(10));
    }

    #[test]
    fn what_is_usual_is_what_it_takes_when_nothing_is_in_its_way() {
        let mut usual = Usual::default();
        noted(&mut usual, BLOCK_FIRST, 10, Duration::ZERO);
        assert_eq!(noted(&mut usual, BLOCK * 100, 90, Duration::from_secs(60)), Some(10), "hours of load are not usual at once");
        let mixed = (0..BLOCK).map(|index| if index % 3 == 0 { 4 } else { 90 });
        assert_eq!(mixed.map(|took| usual.note(took, Duration::from_secs(70))).last().flatten(), Some(4));
        let one_lucky = (0..BLOCK).map(|index| if index == 0 { 1 } else { 90 });
        assert_eq!(one_lucky.map(|took| usual.note(took, Duration::from_secs(80))).last().flatten(), Some(4), "one is chance");
    }

    #[test]
    fn what_was_usual_is_forgotten_after_half_an_hour() {
        let mut usual = Usual::default();
        noted(&mut usual, BLOCK_FIRST, 10, Duration::ZERO);
        let mut now = EPOCH;
        while now < REMEMBERED {
            assert_eq!(noted(&mut usual, BLOCK, 30, now), Some(10), "after {now:?}");
            now += EPOCH / 2;
        }
        assert_eq!(noted(&mut usual, BLOCK, 30, REMEMBERED), Some(30));
        assert!(usual.lows.len() <= 6, "one for each epoch");
    }
}
