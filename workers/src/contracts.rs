//! Which code contracts run, beside what is accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use trueup_database::contracts::{self, SeenContract};
use trueup_database::runs;
use trueup_judge::{EntityKind, HeldBack, RunId};

use crate::context::Context;

/// What this process has seen to be accepted: almost every answer shows the same few contracts as the one before, and
/// asking about them once is enough for a first look. Before a write the database is asked again.
#[derive(Debug, Default)]
pub(crate) struct KnownContracts(Mutex<BTreeSet<SeenContract>>);

impl KnownContracts {
    fn new_ones(&self, seen: impl Iterator<Item = SeenContract>) -> BTreeSet<SeenContract> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.filter(|seen| !known.contains(seen)).collect()
    }

    fn remember(&self, accepted: impl Iterator<Item = SeenContract>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(accepted);
    }
}

/// What first looks of several runs saw of contracts.
pub(crate) type SeenByRun = BTreeMap<RunId, BTreeSet<SeenContract>>;

/// Records contracts that were never seen before, and says which runs must be held back because a contract runs other
/// code than what was accepted.
pub(crate) async fn first_looks(context: &Context, seen: &SeenByRun) -> Result<Vec<(RunId, HeldBack)>, sqlx::Error> {
    let new = context.contracts.new_ones(seen.values().flatten().cloned());
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let mut connection = context.pools.write.acquire().await?;
    let check = contracts::check(&mut connection, &new).await?;
    context.count_statements(1);
    context.contracts.remember(new.iter().filter(|seen| check.held_back(seen).is_none()).cloned());
    let changed: BTreeMap<&SeenContract, HeldBack> = new.iter().filter_map(|seen| Some((seen, check.held_back(seen)?))).collect();
    let of_run = |(run, seen): (&RunId, &BTreeSet<SeenContract>)| {
        let run = *run;
        seen.iter().filter_map(|seen| Some((run, changed.get(seen)?.clone()))).collect::<Vec<_>>()
    };
    Ok(seen.iter().flat_map(of_run).collect())
}

/// Notes with the runs that a kind of theirs is held back. Called after the acks of the same transaction, which lock
/// jobs before runs.
pub(crate) async fn hold_back(conn: &mut sqlx::PgConnection, kind: &EntityKind, held: &[(RunId, HeldBack)]) -> Result<(), sqlx::Error> {
    for (run, why) in held {
        tracing::warn!(run = run.0, %kind, %why, "held back");
        runs::hold_back(conn, *run, kind, why).await?;
    }
    Ok(())
}
