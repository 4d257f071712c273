//! `[guard]`: how much of the kind one run, or the touches of a window, may write.

use trueup_judge::{Limits, Share};

use super::table;
use crate::document::{Item, Section};

/// The most that `max_count` and `floor` may say: more rows than any table here has.
const MAX_ROWS: i64 = 1_000_000_000_000;
/// The shortest window, in seconds.
const MIN_WINDOW_SECS: i64 = 60;
/// The longest, in seconds: for so long plans of touches are kept.
const MAX_WINDOW_SECS: i64 = 86_400;

/// The limits; those of a spec without `[guard]` where it leaves something out. None if a line of it could not be read.
pub(super) fn guard(root: &mut Section<'_>) -> Option<Limits> {
    let default = Limits::default();
    let Some(item) = root.take("guard") else { return Some(default) };
    let mut section = item.section("[guard]", "a table `[guard]`")?;
    let share = section.take("max_share").map(|item| share(&item));
    let count = section.take("max_count").map(|item| rows(&item));
    let floor_item = section.take("floor");
    let floor = floor_item.as_ref().map(rows);
    let window = section.take("window").map(|item| window(&item));
    section.finish();
    let (share, count) = (share.unwrap_or(Some(default.max_share))?, count.map_or(Some(None), |count| count.map(Some))?);
    let floor = floor.unwrap_or(Some(default.floor))?;
    let window_secs = window.unwrap_or(Some(default.window_secs))?;
    if let (Some(item), Some(count)) = (floor_item, count.filter(|count| *count < floor)) {
        let help = "`floor` says how many writes the share does not count, and no run writes more than `max_count`".to_owned();
        return item.fail(format!("`floor` is above `max_count`, which is {count}"), Some(help));
    }
    Some(Limits { max_share: share, max_count: count, floor, window_secs })
}

fn window(item: &Item<'_>) -> Option<i64> {
    let secs = table::duration(item)?;
    if (MIN_WINDOW_SECS..=MAX_WINDOW_SECS).contains(&secs) {
        return Some(secs);
    }
    item.fail(
        "the window of the guard should lie between a minute and a day",
        Some("an hour, `window = \"1 hour\"`, suits most".to_owned()),
    )
}

fn share(item: &Item<'_>) -> Option<Share> {
    let text = item.text_or("a percentage in a string, as in \"10%\"")?;
    Share::parse(&text.text).or_else(|| {
        let help = "write a number from 0 to 100 with at most 6 digits behind the point, and a percent sign: `10%`, `0.5%`; `100%` allows any share";
        text.fail(format!("`{}` is not a percentage", text.text), Some(help.to_owned()))
    })
}

fn rows(item: &Item<'_>) -> Option<u64> {
    u64::try_from(item.integer(0, MAX_ROWS)?).ok()
}
