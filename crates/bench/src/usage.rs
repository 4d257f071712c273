//! What processes used, from `/proc`.

/// Clock ticks a second, as Linux shows them to programs on every architecture that trueup is built for.
const TICKS_PER_SECOND: u64 = 100;

/// What a process and the children that it has waited for used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) cpu_millis: u64,
    /// The most memory that was resident at once, of the process itself.
    pub(crate) peak_kib: u64,
}

/// A process; none once it is gone.
pub(crate) fn of(pid: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(Usage { cpu_millis: cpu_millis(&stat)?, peak_kib: peak_kib(&status).unwrap_or_default() })
}

/// A process, its children, and theirs: Postgres with all its backends.
pub(crate) fn of_family(pid: u32) -> u64 {
    let mut cpu_millis = 0;
    let mut waiting = vec![pid];
    while let Some(pid) = waiting.pop() {
        cpu_millis += of(pid).map_or(0, |usage| usage.cpu_millis);
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        waiting.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    cpu_millis
}

/// What children of this process used that it has waited for.
pub(crate) fn of_ended_children() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    ticks_from(&stat, 13, 2).unwrap_or_default() * 1_000 / TICKS_PER_SECOND
}

/// utime, stime, cutime and cstime: the 14th to the 17th field. The second one, the name, may hold blanks.
fn cpu_millis(stat: &str) -> Option<u64> {
    Some(ticks_from(stat, 11, 4)? * 1_000 / TICKS_PER_SECOND)
}

/// The sum of `count` fields, from the one that stands so far behind the name.
fn ticks_from(stat: &str, first: usize, count: usize) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().skip(first).take(count).filter_map(|field| field.parse::<u64>().ok()).sum())
}

fn peak_kib(status: &str) -> Option<u64> {
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_does_not_shift_the_fields() {
        let stat = "77 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0";
        assert_eq!(cpu_millis(stat), Some(1_270));
        assert_eq!(ticks_from(stat, 13, 2), Some(7));
    }

    #[test]
    fn the_peak_is_read_in_kib() {
        assert_eq!(peak_kib("Name:\tx\nVmHWM:\t   1234 kB\nVmRSS:\t 9 kB"), Some(1_234));
    }
}
