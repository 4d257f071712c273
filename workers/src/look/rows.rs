use std::collections::HashMap;

use trueup_chain::Intent;
use trueup_database::{Compare, Compared, DatabaseError, Fingerprint, Kind, Located, RowError, RowRange};
use trueup_judge::{Judgement, RowFacts, RowIdentity, Seen, SkipReason, Target, Verdict, judge_provisional, judge_row, resolution_of};

use super::observe::{Observed, is_behind, observe};
use super::provisional::{Created, Seeking, look_at_creations};
use super::{Look, LookResult, all_failed, distinct, of_row};
use crate::context::Context;

/// Rows with what they say of their places on chain.
pub(crate) type LocatedRows = Vec<(RowIdentity, Located)>;

/// Looks at rows; one answer for each, in order. The whole batch costs one statement to locate, its share of the
/// ledger reads, and one statement to compare.
pub(crate) async fn look_at_rows(context: &Context, kind: &Kind, rows: &[RowIdentity], intent: Intent) -> Vec<LookResult> {
    let located = match kind.locate(&context.pools.read, &distinct(rows)).await {
        Ok(located) => located,
        Err(error) => return all_failed(rows.len(), &error),
    };
    let mut looks: HashMap<RowIdentity, LookResult> = HashMap::with_capacity(rows.len());
    let mut there = Vec::with_capacity(located.len());
    for (identity, result) in located {
        match result {
            Ok(located) => there.push((identity, located)),
            Err(error) => failed(&mut looks, identity, &error),
        }
    }
    match look_at_located(context, kind, None, there, intent).await {
        Ok(found) => looks.extend(found),
        Err(error) => return all_failed(rows.len(), &error),
    }
    rows.iter().map(|row| looks.get(row).cloned().unwrap_or_else(|| Ok(Look::without_chain(Verdict::Skipped(SkipReason::NoRow))))).collect()
}

/// Looks at rows that were located, and lie in a range if one is given; one answer for each, in any order.
///
/// # Errors
/// The database did not answer.
pub(crate) async fn look_at_located(
    context: &Context,
    kind: &Kind,
    range: Option<&RowRange>,
    there: LocatedRows,
    intent: Intent,
) -> Result<Vec<(RowIdentity, LookResult)>, DatabaseError> {
    let mut looks = Vec::with_capacity(there.len());
    let mut creations = look_at_creations(context, kind, &there).await?;
    let observed = observe(context, kind.spec(), there.iter().map(|(_, located)| located), intent).await;

    let mut found = Vec::with_capacity(there.len());
    for ((identity, located), observed) in there.into_iter().zip(observed) {
        match observed {
            Ok(observed) => match is_behind(&observed, located.floor) {
                Some(floor) => looks.push((identity, Ok(Look::behind_floor(located.key, observed, floor)))),
                None => found.push((identity, located, observed)),
            },
            Err(failure) => looks.push((identity, Err(failure))),
        }
    }
    let questions: Vec<Compare> = found
        .iter()
        .filter(|(_, located, observed)| needs_database(located, observed))
        .map(|(identity, _, observed)| Compare { identity: identity.clone(), values: observed.values.clone() })
        .collect();
    let compared = kind.compare_in(&context.pools.read, range, &questions).await?;
    let mut compared: HashMap<RowIdentity, Result<Compared, RowError>> = compared.into_iter().collect();
    for (identity, located, observed) in found {
        let look = match (compared.remove(&identity).transpose(), creations.remove(&identity).transpose()) {
            (Err(error), _) => Err(of_row(&error)),
            (_, Err(failure)) => Err(failure),
            (Ok(compared), Ok(created)) => Ok(match (compared, created) {
                (Some(compared), Some(created)) if compared.facts.provisional => seek(kind, located, compared.facts, created),
                (compared, _) => judge(kind, located, observed, compared),
            }),
        };
        looks.push((identity, look));
    }
    Ok(looks)
}

/// Whether the verdict depends on more than what the chain said: on values to compare, or on the row's own facts.
fn needs_database(located: &Located, observed: &Observed) -> bool {
    located.provisional || observed.values.is_some() || matches!(observed.seen, Seen::Absent { .. } | Seen::NotInLedger { .. })
}

fn judge(kind: &Kind, located: Located, observed: Observed, compared: Option<Compared>) -> Look {
    let mut altered = None;
    let (judgement, settles_in_secs) = match compared {
        Some(Compared { facts, differences }) => {
            let settles_in_secs = facts.changed_secs_ago.map_or(0, |age| (kind.rules().grace_secs - age).max(0));
            let judgement = judge_row(&facts, &observed.seen, differences, kind.rules());
            altered = facts.altered;
            (judgement, settles_in_secs)
        }
        // Facts were asked for and did not come: the row left between the two statements.
        None if observed.values.is_none() && needs_database(&located, &observed) => {
            (Judgement::plain(Verdict::Skipped(SkipReason::NoRow)), 0)
        }
        None => (judge_row(&RowFacts::default(), &observed.seen, Vec::new(), kind.rules()), 0),
    };
    let is_clean = judgement.verdict == Verdict::InSync && !observed.nearly;
    // The row's version was read before its values were: what is judged here is that version, or one that has replaced
    // it for good.
    let fingerprint = located.mark.zip(observed.mark).filter(|_| is_clean).map(|(row, entries)| Fingerprint { row, entries });
    Look { fingerprint, ..Look::of(judgement, located.key, observed, settles_in_secs) }.explained(altered.as_ref())
}

/// A row that looks for its key: judged by its own transaction alone. Whose key is whose is decided over the whole set.
fn seek(kind: &Kind, located: Located, facts: RowFacts, created: Created) -> Look {
    let settles_in_secs = facts.changed_secs_ago.map_or(0, |age| (kind.rules().grace_secs - age).max(0));
    let stamp = match &created.observed.seen {
        Seen::Present(stamp) => Some(stamp.clone()),
        _ => None,
    };
    let resolution = resolution_of(&created.creation);
    let judgement = kind.provisional_rules().map_or_else(
        || judge_row(&facts, &Seen::NoKey, Vec::new(), kind.rules()),
        |own| judge_provisional(&facts, &resolution, &Target::default(), stamp.as_ref(), kind.rules(), own),
    );
    let look = Look::of(judgement, located.key, created.observed, settles_in_secs).explained(facts.altered.as_ref());
    let seeking = Seeking { facts, creation: created.creation, hash: located.hash, stamp };
    Look { seeking: Some(Box::new(seeking)), ..look }
}

fn failed(looks: &mut HashMap<RowIdentity, LookResult>, identity: RowIdentity, error: &RowError) {
    looks.insert(identity, Err(of_row(error)));
}

/// Locates and observes rows without judging them. Rows that cannot be located or observed are left out.
pub(crate) async fn located_and_observed(
    context: &Context,
    kind: &Kind,
    rows: &[RowIdentity],
) -> Result<Vec<(RowIdentity, Located, Observed)>, DatabaseError> {
    let located = kind.locate(&context.pools.read, rows).await?;
    let located: Vec<_> = located.into_iter().filter_map(|(identity, located)| Some((identity, located.ok()?))).collect();
    let observed = observe(context, kind.spec(), located.iter().map(|(_, located)| located), context.chain.intent()).await;
    Ok(located.into_iter().zip(observed).filter_map(|((identity, located), observed)| Some((identity, located, observed.ok()?))).collect())
}
