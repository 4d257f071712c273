//! Which endpoint is asked next. Pure.

use tokio::time::Instant;

use super::standing::Fitness;

/// Who is asked next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The one at this place.
    Ask(usize),
    /// The one at this place, but not before then.
    AskAt(usize, Instant),
    /// Nobody: all are behind.
    AllLag,
    /// Nobody: all are of another network.
    AllWrong,
    /// Nobody: there is no endpoint to choose from.
    Nobody,
}

/// Chooses among endpoints, in the order of preference; `tried` says how often each was asked already for this read.
///
/// The first that is fit, of those that were asked least. If none is fit, the one that failed least: that all have
/// failed says little of how they are now. Never one that is behind or of another network.
pub(crate) fn choose(candidates: &[(usize, Fitness)], tried: &[usize]) -> Choice {
    let times = |place: usize| tried.iter().filter(|it| **it == place).count();
    let fit = candidates.iter().filter(|(_, fitness)| *fitness == Fitness::Fit).min_by_key(|(place, _)| times(*place));
    if let Some((place, _)) = fit {
        return Choice::Ask(*place);
    }
    let soonest = candidates.iter().filter_map(|(place, fitness)| match fitness {
        Fitness::BacksOff { until } => Some((*until, *place)),
        _ => None,
    });
    let cooling = candidates.iter().filter_map(|(place, fitness)| match fitness {
        Fitness::Cools { failures } => Some((times(*place), *failures, *place)),
        _ => None,
    });
    match (soonest.min(), cooling.min()) {
        (Some((until, place)), _) => Choice::AskAt(place, until),
        (None, Some((_, _, place))) => Choice::Ask(place),
        (None, None) if candidates.is_empty() => Choice::Nobody,
        (None, None) if candidates.iter().any(|(_, fitness)| *fitness == Fitness::Lags) => Choice::AllLag,
        (None, None) => Choice::AllWrong,
    }
}
