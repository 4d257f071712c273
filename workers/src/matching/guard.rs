//! What keeps a run from writing, looked at when every plan is there and nothing is written: the guard of each kind,
//! and whether the network is still one that trueup may draw conclusions from.

use std::collections::BTreeMap;

use anyhow::Context as _;
use sqlx::PgConnection;
use trueup_chain::{PROTOCOL_SUPPORTED, ReadError};
use trueup_database::runs::{self, Guards, Run};
use trueup_judge::{EntityKind, HeldBack, Mode, guard};
use trueup_queue::GroupId;

use crate::context::Context;
use crate::task::Task;

/// Why nothing at all may be written now, as far as the network says; none if it is as it should be.
pub(crate) async fn network(context: &Context) -> Option<HeldBack> {
    let now = match context.chain.network_now().await {
        Ok(now) => now,
        Err(ReadError::WrongNetwork { expected, found, .. }) => return Some(HeldBack::WrongNetwork { expected, found }),
        Err(error) => return Some(HeldBack::Unchecked { what: error.to_string() }),
    };
    match now.protocol_version {
        Some(protocol) if protocol > PROTOCOL_SUPPORTED => Some(HeldBack::UnsupportedProtocol { protocol, supported: PROTOCOL_SUPPORTED }),
        _ => None,
    }
}

/// Asks the guard about every kind of a run, and keeps what it says. Where it trips in mode `repair`, and nobody has
/// let this run through, the kind is held back.
pub(super) async fn ask(context: &Context, tx: &mut PgConnection, run: &Run) -> anyhow::Result<()> {
    let entities = entities(tx, run).await?;
    let plans = runs::plans_that_write(tx, run.id).await?;
    let mut guards = Guards::new();
    for kind in &run.kinds {
        let limits = context.kinds.get(kind).with_context(|| format!("this worker has no spec for kind `{kind}`"))?.spec().guard;
        let count = |of: &BTreeMap<EntityKind, u64>| of.get(kind).copied().unwrap_or_default();
        let guarded = guard(&limits, count(&entities), count(&plans));
        if guarded.tripped() && run.mode == Mode::Repair {
            let why = HeldBack::Guard(guarded);
            match &run.guard_override {
                Some(by) => tracing::warn!(run = run.id.0, %kind, %why, actor = by.actor, reason = by.reason, "the guard is overridden"),
                None => {
                    tracing::warn!(run = run.id.0, %kind, %why, "held back");
                    runs::hold_back(tx, run.id, kind, &why).await?;
                }
            }
        }
        guards.insert(kind.clone(), guarded);
    }
    Ok(runs::keep_guards(tx, run.id, &guards).await?)
}

/// The entities of each kind in the run. A run that goes on with another one's work looks at a part of them that was
/// chosen for its drift: it is measured by the other one's.
async fn entities(tx: &mut PgConnection, run: &Run) -> anyhow::Result<BTreeMap<EntityKind, u64>> {
    let mut entities: BTreeMap<EntityKind, u64> = BTreeMap::new();
    for outcome in trueup_queue::outcomes(tx, GroupId(run.id.0)).await? {
        if matches!(Task::from_name(&outcome.task), Some(Task::Detect | Task::Discover)) {
            *entities.entry(EntityKind(outcome.kind)).or_default() += outcome.count;
        }
    }
    for (kind, count) in [&run.unmoved, &run.in_sync, &run.suspected].into_iter().flatten() {
        *entities.entry(kind.clone()).or_default() += count;
    }
    if let Some(followed) = run.follows {
        for (kind, guarded) in runs::guards_of(tx, followed).await? {
            let own = entities.entry(kind).or_default();
            *own = guarded.entities.max(*own);
        }
    }
    Ok(entities)
}
