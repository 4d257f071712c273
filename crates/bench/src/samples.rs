//! What was measured more than once. Whole numbers throughout: a rate in a second, a ratio in thousandths.

/// A ratio of one, in thousandths.
pub(crate) const ONE: u64 = 1_000;

/// The values of one measurement, in the order of the runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Samples(Vec<u64>);

impl Samples {
    pub(crate) fn push(&mut self, value: u64) {
        self.0.push(value);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The middle value, and the lower of the two middle ones of an even number; 0 of none.
    pub(crate) fn median(&self) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or_default()
    }

    fn least(&self) -> u64 {
        self.0.iter().copied().min().unwrap_or_default()
    }

    fn most(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or_default()
    }

    /// In thousandths, run by run: the first of these over the first of those, and so on.
    pub(crate) fn over(&self, those: &Self) -> Self {
        Self(self.0.iter().zip(&those.0).map(|(this, that)| this.saturating_mul(ONE) / (*that).max(1)).collect())
    }

    /// `12,345`.
    pub(crate) fn shown(&self) -> String {
        if self.is_empty() { "-".to_owned() } else { grouped(self.median()) }
    }

    /// `12,000 to 13,000`.
    pub(crate) fn spread(&self) -> String {
        if self.is_empty() { "-".to_owned() } else { format!("{} to {}", grouped(self.least()), grouped(self.most())) }
    }

    /// Of ratios: `0.83 (0.80 to 0.85)`.
    pub(crate) fn ratio(&self) -> String {
        if self.is_empty() {
            return "-".to_owned();
        }
        format!("{} ({} to {})", thousandths(self.median()), thousandths(self.least()), thousandths(self.most()))
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `827` as `0.83`, `12_345` as `12.3`.
pub(crate) fn thousandths(value: u64) -> String {
    if value < 10 * ONE {
        let hundredths = (value + 5) / 10;
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    } else {
        let tenths = (value + 50) / 100;
        format!("{}.{}", grouped(tenths / 10), tenths % 10)
    }
}

/// How many of these in a second.
pub(crate) fn per_second(count: u64, took: std::time::Duration) -> u64 {
    let rate = u128::from(count) * 1_000_000 / took.as_micros().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[u64]) -> Samples {
        Samples(values.to_vec())
    }

    #[test]
    fn the_middle_and_both_ends_are_shown() {
        let samples = samples(&[9_000, 12_345, 1]);
        assert_eq!((samples.shown().as_str(), samples.spread().as_str()), ("9,000", "1 to 12,345"));
        assert_eq!(self::samples(&[4, 1, 3, 2]).median(), 2);
        assert_eq!(Samples::default().shown(), "-");
    }

    #[test]
    fn a_ratio_is_taken_run_by_run() {
        let ratio = samples(&[80, 30]).over(&samples(&[100, 10]));
        assert_eq!(ratio.ratio(), "0.80 (0.80 to 3.00)");
        assert_eq!(samples(&[5]).over(&samples(&[0])).median(), 5_000, "nothing divides by zero");
    }

    #[test]
    fn numbers_are_rounded_for_people() {
        assert_eq!([thousandths(827), thousandths(995), thousandths(12_349), thousandths(9_999)], ["0.83", "1.00", "12.3", "10.00"]);
        assert_eq!([grouped(7), grouped(123), grouped(1_234_567)], ["7", "123", "1,234,567"]);
    }

    #[test]
    fn a_rate_is_of_whole_seconds() {
        assert_eq!(per_second(100_000, std::time::Duration::from_millis(1_250)), 80_000);
    }
}
