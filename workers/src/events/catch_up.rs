use std::time::Instant;

use super::feeder::Step;
use super::tip::Tip;
use crate::context::Context;

/// How often an endpoint may contradict itself about which ledgers it has, one time after the other.
const CONTRADICTIONS_MAX: u32 = 3;

/// Stores the events of these contracts up to the ledger that is the newest at the call, or says why it could not.
pub(crate) async fn catch_up(context: &Context, contracts: &[String]) -> anyhow::Result<()> {
    if contracts.is_empty() {
        return Ok(());
    }
    let began = Instant::now();
    let limit = context.settings.events_catch_up;
    let mut tip = Tip::of(&context.chain).await?;
    let mut contradictions = 0;
    loop {
        anyhow::ensure!(began.elapsed() < limit, "there were more than could be stored in {limit:?}; what is left comes later");
        // One step at a time: whoever else feeds in this process gets its turn, and finds what was stored here.
        let step = context.feeder.lock().await.step(context, contracts, &tip).await?;
        match step {
            Step::AtTip => return Ok(()),
            Step::On => contradictions = 0,
            Step::OutOfRange => {
                contradictions += 1;
                anyhow::ensure!(
                    contradictions <= CONTRADICTIONS_MAX,
                    "RPC {} refuses to list events of ledgers that it says it has",
                    context.chain.endpoint()
                );
                let now = Tip::of(&context.chain).await?;
                // What is newer than at the call is not waited for.
                tip = Tip { latest: now.latest.min(tip.latest), ..now };
            }
        }
    }
}
