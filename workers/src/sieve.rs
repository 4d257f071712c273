//! Which rows of a range an incremental sweep passes over: those that have the version of their last clean verdict, and
//! whose entries have theirs. They are in sync.

use std::collections::BTreeSet;

use tokio::time::Instant;
use trueup_chain::Intent;
use trueup_database::{Kind, StillRow};
use trueup_judge::{HeldBack, RowIdentity, RunId};
use trueup_queue::{Failure, Job};
use trueup_spec::{Soroban, Source};

use crate::context::Context;
use crate::contracts::{self, SeenByRun};
use crate::look::{Sight, see_entries};
use crate::range::PATIENT_FAILURES;

/// What came of the rows that have not moved.
#[derive(Default)]
pub(crate) struct Sifted {
    /// Those whose entries have moved, and whatever cannot be told.
    pub(crate) moved: Vec<RowIdentity>,
    pub(crate) unmoved: usize,
    pub(crate) held_back: Vec<(RunId, HeldBack)>,
}

/// Asks the chain about the rows that have not moved.
pub(crate) async fn sift(context: &Context, kind: &Kind, job: &Job, still: Vec<StillRow>, intent: Intent) -> Result<Sifted, Failure> {
    if still.is_empty() {
        return Ok(Sifted::default());
    }
    let run = RunId(job.group.0);
    let Source::Soroban(soroban) = &kind.spec().source else {
        return Ok(Sifted { moved: still.into_iter().map(|row| row.identity).collect(), ..Sifted::default() });
    };
    let mut moved = Vec::new();
    let sights = see(context, soroban, &still, intent).await;
    if let (Some(Err(failure)), true) = (sights.first(), sights.iter().all(Result::is_err)) {
        // Nobody answers. One job that is tried again costs less than one for each row.
        if job.failures < PATIENT_FAILURES {
            return Err(failure.clone());
        }
    }
    let mut unmoved = Vec::with_capacity(still.len());
    let mut seen = BTreeSet::new();
    for (row, sight) in still.into_iter().zip(sights) {
        match sight {
            Ok(Some(sight)) if is_as_it_was(&row, &sight) => {
                context.meter.saw_ledger(run, sight.ledger);
                seen.extend(sight.contracts);
                unmoved.push(row.identity);
            }
            _ => moved.push(row.identity),
        }
    }
    // Behind code that nobody has accepted, each row is looked at.
    let held_back = contracts::first_looks(context, &SeenByRun::from([(run, seen)])).await;
    let held_back = held_back.map_err(|error| Failure::passing(error.to_string()))?;
    if !held_back.is_empty() {
        moved.append(&mut unmoved);
    }
    Ok(Sifted { moved, unmoved: unmoved.len(), held_back })
}

/// Asks for all of them at once or, where there is somebody to give way to, for one part after the other.
async fn see(context: &Context, soroban: &Soroban, still: &[StillRow], intent: Intent) -> Vec<Result<Option<Sight>, Failure>> {
    let mut sights = Vec::with_capacity(still.len());
    let mut intent = Some(intent);
    while sights.len() < still.len() {
        let begun = Instant::now();
        let rest = &still[sights.len()..];
        let part = &rest[..context.throttle.part_of(rest.len())];
        let intent = intent.take().unwrap_or_else(|| context.chain.intent());
        sights.extend(see_entries(context, soroban, part.iter().map(|row| &row.located), intent).await);
        if sights.len() < still.len() {
            context.throttle.rest(begun).await;
        }
    }
    sights
}

/// An answer that is older than one that was applied to the row says nothing of now.
fn is_as_it_was(row: &StillRow, sight: &Sight) -> bool {
    sight.mark == Some(row.entry_mark) && row.located.floor.is_none_or(|floor| i64::from(sight.ledger) >= floor)
}
