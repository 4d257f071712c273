//! The guard of touches: each of their runs is too small to tell by itself that something is wrong with all of them, so
//! that they are counted together, over a window that moves with the clock.

use anyhow::Context as _;
use sqlx::PgConnection;
use trueup_database::runs::{self, Guards, Run};
use trueup_database::touches;
use trueup_judge::{EntityKind, HeldBack, Limits, Mode, guard_window};

use crate::context::Context;

/// Asks the guard about every kind of a run of touches, and keeps what it says.
pub(super) async fn ask(context: &Context, tx: &mut PgConnection, run: &Run) -> anyhow::Result<()> {
    let mut guards = Guards::new();
    for name in &run.kinds {
        let kind = context.kinds.get(name).with_context(|| format!("this worker has no spec for kind `{name}`"))?;
        touches::lock_window(tx, name).await?;
        let own = touches::mark_in_window(tx, run.id, name).await?;
        let limits = kind.spec().guard;
        let plans = touches::count_in_window(tx, name, limits.window_secs).await?;
        let guarded = guard_window(&limits, entities(tx, name, &limits, plans).await?, plans);
        if own > 0 && guarded.tripped() && run.mode == Mode::Repair {
            let why = HeldBack::Guard(guarded);
            tracing::warn!(run = run.id.0, kind = %name, %why, "held back");
            runs::hold_back(tx, run.id, name, &why).await?;
        }
        guards.insert(name.clone(), guarded);
    }
    Ok(runs::keep_guards(tx, run.id, &guards).await?)
}

/// What the share is of: the entities of the newest run over all of them. Before there was one the floor alone counts.
/// Not asked for where they could change nothing.
async fn entities(tx: &mut PgConnection, kind: &EntityKind, limits: &Limits, plans: u64) -> Result<u64, sqlx::Error> {
    if plans <= limits.allowed(0).0 {
        return Ok(0);
    }
    Ok(runs::entities_of_latest(tx, kind).await?.unwrap_or_default())
}
