//! How many requests a server takes in a second, as far as its refusals tell. Pure: the caller says what time it is.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// What is left of the rate that was refused, as a divisor.
const FALL: u32 = 2;
/// Refusals within this of each other are one: they are of requests that were sent before the first was answered.
const ONE_REFUSAL: Duration = Duration::from_secs(1);
/// How often the rate rises while nothing is refused.
const RISES_EVERY: Duration = Duration::from_secs(1);
/// By which share of what is configured.
const STEP_SHARE: u32 = 20;
/// Over how long requests are counted.
const COUNTED_OVER: Duration = Duration::from_secs(1);

/// How many requests may be started in a second.
#[derive(Debug)]
pub(crate) struct Allowance {
    most: NonZeroU32,
    now: NonZeroU32,
    /// When the rate was changed last.
    changed: Option<Instant>,
    refused: Option<Instant>,
    /// Since when requests are counted, how many there were since then, and in the same time before.
    counted: Option<(Instant, u32, u32)>,
}

// === impl Allowance ===

impl Allowance {
    pub(crate) fn new(most: NonZeroU32) -> Self {
        Self { most, now: most, changed: None, refused: None, counted: None }
    }

    pub(crate) fn per_second(&self) -> NonZeroU32 {
        self.now
    }

    /// What is configured.
    pub(crate) fn most(&self) -> NonZeroU32 {
        self.most
    }

    /// A request is about to be sent.
    pub(crate) fn calls(&mut self, now: Instant) {
        self.counted = Some(match self.counted {
            Some((since, count, before)) if now < since + COUNTED_OVER => (since, count.saturating_add(1), before),
            Some((since, count, _)) if now < since + COUNTED_OVER * 2 => (since + COUNTED_OVER, 1, count),
            _ => (now, 1, 0),
        });
        let Some(changed) = self.changed.filter(|_| self.now < self.most) else { return };
        let elapsed = now.saturating_duration_since(changed);
        let steps = u32::try_from(elapsed.as_secs() / RISES_EVERY.as_secs()).unwrap_or(u32::MAX);
        if steps > 0 {
            self.now = self.now.saturating_add(self.step().saturating_mul(steps)).min(self.most);
            self.changed = Some(changed + RISES_EVERY * steps);
        }
    }

    /// The server refused one for being too many.
    pub(crate) fn refused(&mut self, now: Instant) {
        if self.refused.is_some_and(|before| now < before + ONE_REFUSAL) {
            return;
        }
        // What was allowed and not used was not refused. One that is refused among few says little of how many would be.
        let sent = self.counted.map_or(0, |(_, count, before)| count.max(before)).max(self.step() * FALL);
        self.now = NonZeroU32::new(self.now.get().min(sent) / FALL).unwrap_or(NonZeroU32::MIN);
        (self.refused, self.changed) = (Some(now), Some(now));
    }

    fn step(&self) -> u32 {
        (self.most.get() / STEP_SHARE).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowance(most: u32) -> Allowance {
        Allowance::new(NonZeroU32::new(most).expect("some"))
    }

    /// Sends so many requests within a second from then on.
    fn send(it: &mut Allowance, from: Instant, count: u32) {
        (0..count).for_each(|nth| it.calls(from + Duration::from_secs(1) * nth / count));
    }

    #[test]
    fn a_refusal_halves_the_rate_and_those_beside_it_are_the_same_one() {
        let (mut it, now) = (allowance(100), Instant::now());
        send(&mut it, now, 100);
        let then = now + Duration::from_millis(990);
        (0..8).for_each(|nth| it.refused(then + Duration::from_millis(nth * 100)));
        assert_eq!(it.per_second().get(), 50);
        it.refused(then + ONE_REFUSAL);
        assert_eq!(it.per_second().get(), 25);
    }

    #[test]
    fn what_was_allowed_and_not_used_is_not_what_was_refused() {
        let (mut it, now) = (allowance(100), Instant::now());
        send(&mut it, now, 30);
        it.refused(now + Duration::from_millis(999));
        assert_eq!(it.per_second().get(), 15);
        let (mut it, later) = (allowance(100), now + Duration::from_secs(60));
        it.calls(later);
        it.refused(later);
        assert_eq!(it.per_second().get(), 5, "one call that is refused is no reason to stand still");
    }

    #[test]
    fn it_rises_step_by_step_to_what_is_configured_and_no_further() {
        let (mut it, now) = (allowance(100), Instant::now());
        send(&mut it, now, 100);
        let refused = now + Duration::from_millis(990);
        it.refused(refused);
        let mut seen = Vec::new();
        for second in 0..12 {
            it.calls(refused + RISES_EVERY * second);
            seen.push(it.per_second().get());
        }
        assert_eq!(seen, [50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 100]);
        it.calls(refused + Duration::from_secs(3_600));
        assert_eq!(it.per_second(), it.most());
    }

    #[test]
    fn one_request_a_second_is_always_allowed() {
        let (mut it, now) = (allowance(3), Instant::now());
        for second in 0..100 {
            it.calls(now + Duration::from_secs(second));
            it.refused(now + Duration::from_secs(second));
        }
        assert_eq!(it.per_second().get(), 1);
        it.calls(now + Duration::from_secs(200));
        assert_eq!(it.per_second().get(), 3, "and small rates rise too");
    }
}
