//! How many entities are reconciled in a second, from the opened run to the report.

use std::time::Duration;

use anyhow::ensure;

use crate::arguments::Size;
use crate::contestant::{Contestant, race};
use crate::loans::LOANS_PER_CALL;
use crate::postgres::Postgres;
use crate::role;
use crate::samples::{Samples, grouped, per_second};
use crate::table::Section;
use crate::world::{self, World};

/// As far as an endpoint on the same continent.
pub(crate) const LATENCY_MS: u64 = 20;
const RUN: &str = "measured";

#[derive(Default)]
struct Measured {
    floor: Samples,
    clean: Samples,
    drifted: Samples,
    later: Samples,
    later_drifted: Samples,
    usual: Samples,
    calls: Samples,
}

pub(crate) async fn measure(size: &Size) -> anyhow::Result<Vec<Section>> {
    let world = World::start(Postgres::start().await?, size.entities, LATENCY_MS).await?;
    let mut measured = Measured::default();
    for run in 0..size.runs {
        // The floor stands next to trueup, now before it and now behind it.
        for step in 0..6 {
            match (step + run) % 6 {
                0 => measured.floor.push(child(&world, "floor", size.entities).await?),
                1 => {
                    let (rate, calls) = clean(&world).await?;
                    measured.clean.push(rate);
                    measured.calls.push(calls);
                }
                2 => measured.drifted.push(drifted(&world).await?),
                3 => measured.later.push(later(&world, false).await?),
                4 => measured.later_drifted.push(later(&world, true).await?),
                _ => measured.usual.push(child(&world, "usual", size.usual_entities).await?),
            }
        }
        eprintln!("job, run {} of {}", run + 1, size.runs);
    }
    Ok(vec![rates(&measured, size), ratios(&measured, size)])
}

async fn clean(world: &World) -> anyhow::Result<(u64, u64)> {
    let pool = world.copy(RUN).await?;
    let sweep = world.sweep(RUN, "detect").await?;
    sweep.check(world.loans, 0)?;
    world.postgres.drop(RUN, pool).await?;
    Ok((per_second(world.loans, sweep.took), sweep.ledger_calls))
}

/// One row of a hundred differs, and is repaired.
async fn drifted(world: &World) -> anyhow::Result<u64> {
    let pool = world.copy(RUN).await?;
    let drifted = world::drift(&pool).await?;
    let sweep = world.sweep(RUN, "repair").await?;
    sweep.check(world.loans, drifted)?;
    let left = world::still_drifted(&pool).await?;
    ensure!(sweep.repaired == drifted && left == 0, "{drifted} rows drifted, {} were repaired, {left} still differ", sweep.repaired);
    world.postgres.drop(RUN, pool).await?;
    Ok(per_second(world.loans, sweep.took))
}

/// A sweep after a clean one, incremental as `trueup run` is unless it is told otherwise.
async fn later(world: &World, drifts: bool) -> anyhow::Result<u64> {
    let pool = world.copy(RUN).await?;
    world.sweep(RUN, "detect").await?.check(world.loans, 0)?;
    let drifted = if drifts { world::drift(&pool).await? } else { 0 };
    world::settle(&pool).await?;
    let sweep = world.sweep_incrementally(RUN, "repair").await?;
    sweep.check(world.loans, drifted)?;
    ensure!(
        sweep.repaired == drifted && world::still_drifted(&pool).await? == 0,
        "{drifted} rows drifted, {} were repaired",
        sweep.repaired
    );
    world.postgres.drop(RUN, pool).await?;
    Ok(per_second(world.loans, sweep.took))
}

/// A design without trueup over the same data.
async fn child(world: &World, role: &str, entities: u64) -> anyhow::Result<u64> {
    let pool = world.copy(RUN).await?;
    let database = world.postgres.url(RUN);
    let arguments = [database.as_str(), &world.place.url, &world.place.contract, &entities.to_string()];
    let mut contestants = [Contestant::start(role, role::command(role, &arguments)?)?];
    contestants[0].ready().await?;
    let took: Duration = race(&mut contestants, entities, async || Ok(true)).await?;
    let [contestant] = contestants;
    contestant.stop().await?;
    ensure!(world::still_drifted(&pool).await? == 0, "{role} has changed what was right");
    world.postgres.drop(RUN, pool).await?;
    Ok(per_second(entities, took))
}

fn rates(measured: &Measured, size: &Size) -> Section {
    let title = format!("whole job: {} entities, {LATENCY_MS} ms to the RPC", grouped(size.entities));
    let mut section = Section::new(title, &["what", "entities/s, median", "least to most", "runs"]);
    let rows = [
        ("trueup, clean (detect)", &measured.clean),
        ("trueup, 1 % drifted and repaired", &measured.drifted),
        ("trueup, a later sweep: incremental, nothing moved", &measured.later),
        ("trueup, a later sweep: incremental, 1 % drifted and repaired", &measured.later_drifted),
        ("(b) floor: the same ledger reads, one bulk read of the rows", &measured.floor),
        ("(a) usual: five at a time, each with a call, a query, an update", &measured.usual),
    ];
    for (what, samples) in rows {
        section.row(vec![what.to_owned(), samples.shown(), samples.spread(), samples.len().to_string()]);
    }
    section.note(format!("(a) does {} of the entities: its rate does not depend on how many there are.", grouped(size.usual_entities)));
    section.note(
        "trueup: one process (`trueup run`) with default limits, from the opened run to the written report, by the database's clock.",
    );
    section.note("Devnet, Postgres and whoever is measured share the machine.");
    section
}

fn ratios(measured: &Measured, size: &Size) -> Section {
    let mut section = Section::new("whole job: ratios, each within the same run", &["ratio", "median (least to most)", "bar"]);
    let rows = [
        ("clean / floor", measured.clean.over(&measured.floor), "0.50"),
        ("1 % drifted / floor", measured.drifted.over(&measured.floor), "0.50"),
        ("later / floor", measured.later.over(&measured.floor), "0.50"),
        ("later, 1 % drifted / floor", measured.later_drifted.over(&measured.floor), "0.50"),
        ("clean / usual", measured.clean.over(&measured.usual), "50.0"),
        ("1 % drifted / usual", measured.drifted.over(&measured.usual), "50.0"),
        ("ledger calls / least possible", calls_over_least(&measured.calls, size.entities), "1.05"),
    ];
    for (what, ratio, bar) in rows {
        section.row(vec![what.to_owned(), ratio.ratio(), bar.to_owned()]);
    }
    section
}

/// The least: every loan once, the contract's instance in each call.
pub(crate) fn least_calls(entities: u64) -> u64 {
    entities.div_ceil(LOANS_PER_CALL as u64)
}

fn calls_over_least(calls: &Samples, entities: u64) -> Samples {
    let mut least = Samples::default();
    (0..calls.len()).for_each(|_| least.push(least_calls(entities)));
    calls.over(&least)
}
