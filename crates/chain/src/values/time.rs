//! Unix seconds as the timestamps that Postgres reads.

use super::error::DecodeError;

/// Postgres' first instant, 4714-11-24 BC, in Unix seconds (`MIN_TIMESTAMP` in its `datatype/timestamp.h`).
const FIRST_SECONDS: i64 = -210_866_803_200;
/// One past Postgres' last instant, 294277-01-01, in Unix seconds (`END_TIMESTAMP` there).
const END_SECONDS: i64 = 9_224_318_016_000;

const DAY_SECONDS: i64 = 86_400;
/// Days from 0000-03-01, with which a 400-year era begins, to the Unix epoch.
const ERA_TO_EPOCH_DAYS: i64 = 719_468;
const ERA_DAYS: i64 = 146_097;
const ERA_YEARS: i64 = 400;

/// Unix seconds, as RFC 3339 in UTC where the year has four digits, and as Postgres prints it beyond (`… BC`).
pub(crate) fn timestamp(seconds: i64) -> Result<String, DecodeError> {
    if !(FIRST_SECONDS..END_SECONDS).contains(&seconds) {
        return Err(out_of_range(&seconds.to_string()));
    }
    let (year, month, day) = date(seconds.div_euclid(DAY_SECONDS));
    let second = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    // Astronomical year 0 is 1 BC.
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    Ok(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z{era}"))
}

pub(crate) fn out_of_range(seconds: &str) -> DecodeError {
    let what = format!("{seconds} seconds since 1970 is outside of what timestamptz holds (4714 BC to 294276 AD); read it as numeric");
    DecodeError::Unholdable { what }
}

/// The proleptic Gregorian date of a day since the epoch. Years begin in March, so that the leap day comes last.
fn date(day: i64) -> (i64, i64, i64) {
    let day = day + ERA_TO_EPOCH_DAYS;
    let (era, day) = (day.div_euclid(ERA_DAYS), day.rem_euclid(ERA_DAYS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * ERA_YEARS + year + i64::from(month <= 2);
    (year, month, day - (153 * march_month + 2) / 5 + 1)
}
