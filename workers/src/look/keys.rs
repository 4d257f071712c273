use std::collections::HashMap;

use sqlx::PgPool;
use trueup_chain::Intent;
use trueup_database::{DatabaseError, Kind, Located, LocatedKey, NewRow};
use trueup_judge::{ChainKey, Insertion, SkipReason, Verdict, judge_missing_row};
use trueup_spec::Source;

use super::observe::{is_behind, observe};
use super::{Look, LookResult, all_failed, distinct, of_row};
use crate::context::Context;

/// Looks at keys that the chain enumerates and the table lacked when they were enqueued; one answer for each, in order.
pub(crate) async fn look_at_keys(context: &Context, kind: &Kind, keys: &[ChainKey], intent: Intent) -> Vec<LookResult> {
    // Whether rows are provisional is asked of the whole table.
    if keys.is_empty() {
        return Vec::new();
    }
    let read = &context.pools.read;
    let distinct = distinct(keys);
    let (located, provisional_rows) = match tokio::try_join!(kind.locate_keys(read, &distinct), has_provisional_rows(read, kind)) {
        Ok(answers) => answers,
        Err(error) => return all_failed(keys.len(), &error),
    };
    let mut looks: HashMap<ChainKey, LookResult> = HashMap::with_capacity(keys.len());
    let mut missing = Vec::with_capacity(located.len());
    for (key, result) in located {
        match result {
            Ok(located) if located.row.is_some() => {
                looks.insert(key, Ok(Look::without_chain(Verdict::Skipped(SkipReason::RowAppeared))));
            }
            Ok(LocatedKey { arguments, contract, also_contracts, floor, altered, .. }) => {
                // The key of a transaction is its hash.
                let hash = matches!(kind.spec().source, Source::Transaction(_)).then(|| key.0.clone());
                missing.push((key, Located { arguments, contract, also_contracts, hash, floor, ..Located::default() }, altered));
            }
            Err(error) => drop(looks.insert(key, Err(of_row(&error)))),
        }
    }
    let observed = observe(context, kind.spec(), missing.iter().map(|(_, located, _)| located), intent).await;

    let mut found = Vec::with_capacity(missing.len());
    for ((key, located, altered), observed) in missing.into_iter().zip(observed) {
        match observed {
            Ok(observed) => match is_behind(&observed, located.floor) {
                Some(floor) => drop(looks.insert(key.clone(), Ok(Look::behind_floor(Some(key), observed, floor)))),
                None => found.push((key, observed, altered)),
            },
            Err(failure) => drop(looks.insert(key, Err(failure))),
        }
    }
    let wanted: Vec<_> = found.iter().filter_map(|(key, observed, _)| Some((key.clone(), observed.values.clone()?))).collect();
    let mut new_rows: HashMap<ChainKey, _> = match kind.new_rows(read, &wanted).await {
        Ok(new_rows) => new_rows.into_iter().collect(),
        Err(error) => return all_failed(keys.len(), &error),
    };
    for (key, observed, altered) in found {
        let look = match new_rows.remove(&key).transpose() {
            Ok(row) => {
                let NewRow { row, withheld } = row.unwrap_or_default();
                let judgement = judge_missing_row(
                    kind.spec().class_of_missing(),
                    &key.0,
                    &observed.seen,
                    Insertion { row, withheld, altered: altered.clone() },
                    provisional_rows,
                    kind.rules(),
                );
                Ok(Look::of(judgement, Some(key.clone()), observed, 0).explained(altered.as_ref()))
            }
            Err(error) => Err(of_row(&error)),
        };
        looks.insert(key, look);
    }
    keys.iter()
        .map(|key| looks.get(key).cloned().unwrap_or_else(|| Ok(Look::without_chain(Verdict::Skipped(SkipReason::NotOnChain)))))
        .collect()
}

async fn has_provisional_rows(read: &PgPool, kind: &Kind) -> Result<bool, DatabaseError> {
    let mut connection = read.acquire().await?;
    kind.has_provisional_rows(&mut connection).await
}
