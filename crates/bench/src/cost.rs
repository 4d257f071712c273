//! What a clean sweep costs, and how that grows with the number of entities.

use anyhow::Context as _;
use sqlx::{PgPool, Row};

use crate::arguments::Size;
use crate::job::{LATENCY_MS, least_calls};
use crate::postgres::Postgres;
use crate::samples::{ONE, Samples, grouped, thousandths};
use crate::table::Section;
use crate::usage;
use crate::world::World;

const RUN: &str = "measured";

/// Since then the log can be looked into by SQL.
const WALINSPECT_SINCE: i32 = 150_000;

/// A figure of the table: how it is called, and whether it must grow as the number of entities does.
const FIGURES: [(&str, bool); 10] = [
    ("time, ms", true),
    ("getLedgerEntries calls", true),
    ("SQL statements, all (pg_stat_statements)", true),
    ("SQL statements, reconciliation (the report's)", true),
    ("WAL, bytes", true),
    ("WAL without full-page images, bytes", true),
    ("growth of schema trueup, bytes", true),
    ("CPU of trueup, ms", true),
    ("CPU of Postgres, ms", true),
    ("peak memory of trueup, KiB", false),
];

/// The figures of one size, in the order of [`FIGURES`].
type Figures = [Samples; FIGURES.len()];

pub(crate) async fn measure(size: &Size) -> anyhow::Result<Vec<Section>> {
    let mut measured = Vec::with_capacity(size.cost_entities.len());
    for &entities in &size.cost_entities {
        let world = World::start(Postgres::start_counting().await?, entities, LATENCY_MS).await?;
        let mut figures = Figures::default();
        for run in 0..size.runs {
            let once = once(&world).await.with_context(|| format!("cost of {entities} entities"))?;
            figures.iter_mut().zip(once).for_each(|(samples, value)| samples.push(value));
            eprintln!("cost, {entities} entities, run {} of {}", run + 1, size.runs);
        }
        measured.push((entities, figures));
    }
    Ok(vec![figures_shown(&measured), growth_shown(&measured)])
}

async fn once(world: &World) -> anyhow::Result<[u64; FIGURES.len()]> {
    let pool = world.copy(RUN).await?;
    let before = Before::of(world, &pool).await?;
    let sweep = world.sweep(RUN, "detect").await?;
    sweep.check(world.loans, 0)?;
    let statements = statements(world, &pool).await?;
    let wal = wal_since(&pool, &before.wal).await?;
    let size = schema_bytes(&pool).await?;
    let postgres = usage::of_family(world.postgres.pid());
    world.postgres.drop(RUN, pool).await?;
    Ok([
        u64::try_from(sweep.took.as_millis())?,
        sweep.ledger_calls,
        statements,
        sweep.statements,
        wal.bytes,
        wal.bytes - wal.full_pages,
        size.saturating_sub(before.size),
        sweep.usage.cpu_millis,
        postgres.saturating_sub(before.postgres),
        sweep.usage.peak_kib,
    ])
}

struct Before {
    wal: String,
    size: u64,
    postgres: u64,
}

impl Before {
    async fn of(world: &World, pool: &PgPool) -> anyhow::Result<Self> {
        let size = schema_bytes(pool).await?;
        if world.postgres.counts_statements {
            sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements; SELECT pg_stat_statements_reset()").execute(pool).await?;
        }
        let wal = sqlx::query_scalar("SELECT pg_current_wal_insert_lsn()::text").fetch_one(pool).await?;
        Ok(Self { wal, size, postgres: usage::of_family(world.postgres.pid()) })
    }
}

/// Every statement that was executed in this database, by trueup or in its name; 0 where nobody counts.
async fn statements(world: &World, pool: &PgPool) -> anyhow::Result<u64> {
    if !world.postgres.counts_statements {
        return Ok(0);
    }
    let query =
        "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements JOIN pg_database ON oid = dbid WHERE datname = current_database()";
    let calls: i64 = sqlx::query_scalar(query).fetch_one(pool).await?;
    Ok(u64::try_from(calls)?)
}

struct Wal {
    bytes: u64,
    full_pages: u64,
}

async fn wal_since(pool: &PgPool, since: &str) -> anyhow::Result<Wal> {
    let row = sqlx::query("SELECT pg_current_wal_flush_lsn()::text, pg_wal_lsn_diff(pg_current_wal_flush_lsn(), $1::pg_lsn)::bigint, current_setting('server_version_num')::int")
        .bind(since)
        .fetch_one(pool)
        .await?;
    let (now, bytes, version): (String, i64, i32) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let full_pages: i64 = if version >= WALINSPECT_SINCE {
        sqlx::raw_sql("CREATE EXTENSION IF NOT EXISTS pg_walinspect").execute(pool).await?;
        let query = "SELECT coalesce(sum(fpi_size), 0)::bigint FROM pg_get_wal_stats($1::pg_lsn, $2::pg_lsn)";
        sqlx::query_scalar(query).bind(since).bind(now).fetch_one(pool).await?
    } else {
        0
    };
    Ok(Wal { bytes: u64::try_from(bytes)?, full_pages: u64::try_from(full_pages)? })
}

/// Tables, indexes and what belongs to them.
async fn schema_bytes(pool: &PgPool) -> anyhow::Result<u64> {
    let query = "SELECT coalesce(sum(pg_total_relation_size(pg_class.oid)), 0)::bigint FROM pg_class
                 JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = 'trueup' AND relkind IN ('r', 'p')";
    let bytes: i64 = sqlx::query_scalar(query).fetch_one(pool).await?;
    Ok(u64::try_from(bytes)?)
}

fn figures_shown(measured: &[(u64, Figures)]) -> Section {
    let sizes: Vec<String> = measured.iter().map(|(entities, _)| format!("{} entities", grouped(*entities))).collect();
    let columns: Vec<&str> = std::iter::once("what, median (least to most)").chain(sizes.iter().map(String::as_str)).collect();
    let mut section = Section::new("cost of a clean sweep", &columns);
    for (index, (name, _)) in FIGURES.iter().enumerate() {
        let cells = measured.iter().map(|(_, figures)| format!("{} ({})", figures[index].shown(), figures[index].spread()));
        section.row(std::iter::once((*name).to_owned()).chain(cells).collect());
    }
    let least = measured.iter().map(|(entities, _)| grouped(least_calls(*entities)));
    section.row(std::iter::once("least possible calls".to_owned()).chain(least).collect());
    section.note("One `trueup run` of a kind with six fields and two conditions. A checkpoint before each run, so that each page's first change is logged in full.");
    section
        .note("0 statements in all: this Postgres has no pg_stat_statements. Before Postgres 15, full-page images cannot be told apart.");
    section
}

/// The cost of one entity at each size over its cost at the smallest.
fn growth_shown(measured: &[(u64, Figures)]) -> Section {
    let pairs: Vec<_> = measured.windows(2).filter_map(|pair| Some((pair.first()?, pair.last()?))).collect();
    let titles: Vec<String> = pairs.iter().map(|(few, many)| format!("{} to {}", grouped(few.0), grouped(many.0))).collect();
    let columns: Vec<&str> = std::iter::once("cost of an entity, growth").chain(titles.iter().map(String::as_str)).collect();
    let mut section = Section::new("cost: 1.00 is linear; the bar is 0.85 to 1.15 for time, WAL and calls", &columns);
    for (index, (name, _)) in FIGURES.iter().enumerate().filter(|(_, (_, linear))| *linear) {
        let cells =
            pairs.iter().map(|((few, of_few), (many, of_many))| growth((*few, of_few[index].median()), (*many, of_many[index].median())));
        section.row(std::iter::once((*name).to_owned()).chain(cells).collect());
    }
    section
}

fn growth(few: (u64, u64), many: (u64, u64)) -> String {
    let (few, of_few) = (u128::from(few.0), u128::from(few.1));
    let (many, of_many) = (u128::from(many.0), u128::from(many.1));
    let Some(growth) = (of_many * few * u128::from(ONE)).checked_div(of_few * many) else { return "-".to_owned() };
    thousandths(u64::try_from(growth).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_that_grows_as_the_entities_do_is_linear() {
        assert_eq!(growth((10, 50), (1_000, 5_000)), "1.00");
        assert_eq!(growth((10, 50), (100, 600)), "1.20");
        assert_eq!(growth((10, 0), (100, 600)), "-");
    }
}
