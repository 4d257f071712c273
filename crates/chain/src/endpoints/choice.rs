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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FIT: Fitness = Fitness::Fit;
    const COOLS: fn(u32) -> Fitness = |failures| Fitness::Cools { failures };

    fn chosen(fitness: &[Fitness], tried: &[usize]) -> Choice {
        let candidates: Vec<_> = fitness.iter().copied().enumerate().collect();
        choose(&candidates, tried)
    }

    #[test]
    fn the_first_that_is_fit_is_asked_and_then_the_next() {
        assert_eq!(chosen(&[FIT, FIT], &[]), Choice::Ask(0));
        assert_eq!(chosen(&[FIT, FIT], &[0]), Choice::Ask(1));
        assert_eq!(chosen(&[FIT, FIT], &[0, 1]), Choice::Ask(0));
        assert_eq!(chosen(&[COOLS(3), FIT], &[]), Choice::Ask(1));
        assert_eq!(chosen(&[Fitness::Lags, FIT], &[1]), Choice::Ask(1), "again, rather than one that is behind");
    }

    #[test]
    fn where_none_is_fit_the_one_that_failed_least_is_asked() {
        assert_eq!(chosen(&[COOLS(9), COOLS(3)], &[]), Choice::Ask(1));
        assert_eq!(chosen(&[COOLS(9), COOLS(3)], &[1]), Choice::Ask(0));
        assert_eq!(chosen(&[Fitness::Lags, COOLS(3), Fitness::Wrong], &[]), Choice::Ask(1));
    }

    #[test]
    fn what_wants_to_be_left_alone_is_waited_for_only_if_nobody_else_is_there() {
        let now = Instant::now();
        let (soon, late) = (now + Duration::from_secs(1), now + Duration::from_secs(2));
        let backs_off = |until| Fitness::BacksOff { until };
        assert_eq!(chosen(&[backs_off(soon), FIT], &[]), Choice::Ask(1));
        assert_eq!(chosen(&[backs_off(late), backs_off(soon)], &[]), Choice::AskAt(1, soon));
        assert_eq!(chosen(&[backs_off(soon), COOLS(3)], &[]), Choice::AskAt(0, soon));
    }

    #[test]
    fn what_is_behind_or_of_another_network_is_never_asked() {
        assert_eq!(chosen(&[Fitness::Lags, Fitness::Wrong], &[]), Choice::AllLag);
        assert_eq!(chosen(&[Fitness::Wrong], &[]), Choice::AllWrong);
        assert_eq!(chosen(&[], &[]), Choice::Nobody);
    }
}
