//! Spans of time as a spec writes them: `10 seconds`, `5 minutes`, `1 hour`.

/// The longest span that a spec may name: 365 days, in seconds.
const MAX_DURATION_SECS: i64 = 365 * 86_400;

/// Parses a duration to seconds; none if it is not one, or longer than a year.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|character: char| character.is_ascii_digit()).len();
    let (count, unit) = text.split_at(digits);
    let secs: i64 = match unit.trim() {
        "s" | "second" | "seconds" => 1,
        "m" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(secs).filter(|total| *total <= MAX_DURATION_SECS)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn durations_are_a_count_and_a_unit() {
        assert_eq!(parse("10 seconds"), Some(10));
        assert_eq!(parse("1 hour"), Some(3_600));
        assert_eq!(parse("5m"), Some(300));
        assert_eq!(parse("1 day"), Some(86_400));
        assert_eq!(parse("0 seconds"), Some(0));
        assert_eq!(parse("365 days"), Some(31_536_000));
        assert_eq!(parse("31536001 seconds"), None);
        for wrong in ["", "10", "seconds", "-1 seconds", "1.5 hours", "99999999999999999999 days", "400 days", "1 fortnight"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
