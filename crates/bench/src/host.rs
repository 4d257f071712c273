//! What the host of a virtual machine kept from it. Where that is much, figures are those of the host's other guests.

/// The processors' time since the machine was started, in ticks.
pub(crate) struct Processors {
    all: u64,
    /// What others had while something here wanted to run.
    stolen: u64,
}

/// How many fields of the first line add up to all time: those after them are part of the first two.
const FIELDS: usize = 8;
const PER_MILLE: u64 = 1_000;

impl Processors {
    /// None where the system does not say.
    pub(crate) fn now() -> Option<Self> {
        Self::of(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    fn of(stat: &str) -> Option<Self> {
        let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(FIELDS);
        let ticks: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
        Some(Self { all: ticks.iter().sum(), stolen: *ticks.get(FIELDS - 1)? })
    }

    /// What was stolen from `before` to now, for people.
    pub(crate) fn stolen_since(&self, before: &Self) -> String {
        let (all, stolen) = (self.all.saturating_sub(before.all), self.stolen.saturating_sub(before.stolen));
        let share = stolen * PER_MILLE / all.max(1);
        format!("{}.{} %", share / 10, share % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_counted_once_and_what_is_stolen_is_the_eighth_field() {
        let before = Processors::of("cpu  100 0 50 800 10 0 5 35 70 0\ncpu0 1 1 1 1 1 1 1 1 1 1").expect("it says so");
        assert_eq!((before.all, before.stolen), (1_000, 35));
        let now = Processors::of("cpu  600 0 50 1200 10 0 5 135 70 0").expect("it says so");
        assert_eq!(now.stolen_since(&before), "10.0 %");
        assert_eq!(now.stolen_since(&now), "0.0 %");
        assert!(Processors::of("cpu 1 2 3").is_none());
    }
}
