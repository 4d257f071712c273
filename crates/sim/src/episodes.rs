//! What is played when the dust has settled, in peace, because it is about a person who decides: the guard, a contract
//! whose code changes, proposals, and a trigger that has its own will.

use anyhow::{Context as _, ensure};
use sqlx::{AssertSqlSafe, PgPool};

use crate::kind::Kind;
use crate::seed::Shared;

/// What a contract's code is replaced by.
const OTHER_CODE: [u8; 32] = [0xab; 32];
/// Exit code of a run that did all it should.
const CLEAN: i32 = 0;
/// Exit code of a run that left drift.
const DRIFT: i32 = 3;
/// Exit code of a run that was held back.
const HELD_BACK: i32 = 4;
/// Rows that are proposed to be repaired.
const PROPOSED: i64 = 4;
/// Runs against a trigger that always writes something else.
const STUBBORN_RUNS: usize = 3;

const POSITIONS: &str = "SELECT wallet FROM public.positions AS t JOIN sim.now_positions AS c USING (wallet)";

/// Something that a person has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Episode {
    /// More drifts than the guard lets a run write, until somebody overrides it.
    Flood,
    /// A contract runs other code, until somebody accepts it.
    OtherCode,
    /// Repairs are proposed; one row moves, one proposal is rejected, the others are approved.
    Proposals,
    /// A trigger makes something else of a repaired value, every time, until it is mended and the row released.
    Stubborn,
}

impl Episode {
    pub(crate) const ALL: [Self; 4] = [Self::Flood, Self::OtherCode, Self::Proposals, Self::Stubborn];
}

/// Plays them one after the other. What should not be is an error.
pub(crate) async fn play(shared: &Shared, pool: &PgPool, episodes: &[Episode]) -> anyhow::Result<()> {
    if episodes.is_empty() {
        return Ok(());
    }
    sqlx::query("CREATE TABLE sim.now_positions (wallet text PRIMARY KEY)").execute(pool).await?;
    sqlx::query("CREATE TABLE sim.now_scores (wallet text PRIMARY KEY)").execute(pool).await?;
    for (kind, table) in [(Kind::Position, "now_positions"), (Kind::Score, "now_scores")] {
        for user in &shared.world.users {
            if shared.world.value(kind, &user.address())?.is_some() {
                let sql = format!("INSERT INTO sim.{table} VALUES ($1)");
                sqlx::query(AssertSqlSafe(sql)).bind(user.address()).execute(pool).await?;
            }
        }
    }
    for episode in episodes {
        shared.story.tell(format!("episode: {episode:?}"));
        let played = match episode {
            Episode::Flood => flood(shared, pool).await,
            Episode::OtherCode => other_code(shared, pool).await,
            Episode::Proposals => proposals(shared, pool).await,
            Episode::Stubborn => stubborn(shared, pool).await,
        };
        played.with_context(|| format!("{episode:?}"))?;
    }
    Ok(())
}

async fn flood(shared: &Shared, pool: &PgPool) -> anyhow::Result<()> {
    let drifted = execute(pool, &format!("UPDATE public.positions SET shares = shares + 1 WHERE wallet IN ({POSITIONS})")).await?;
    if drifted == 0 {
        return Ok(());
    }
    let before = repairs(pool, "position").await?;
    let run = ["run", "position", "--new", "--mode", "repair"];
    let code = shared.program.code_of("guarded.toml", &run).await?;
    ensure!(code == HELD_BACK, "a run beyond the guard ended with exit code {code}");
    ensure!(repairs(pool, "position").await? == before, "a run beyond the guard repaired something");
    let overriding = [&run[..], &["--override-guard", "--actor", "sim", "--reason", "it is as it should be"]].concat();
    shared.program.code_of("guarded.toml", &overriding).await?;
    let repaired = repairs(pool, "position").await? - before;
    ensure!(repaired == drifted, "{drifted} rows drifted, and an overriding run repaired {repaired}");
    Ok(())
}

async fn other_code(shared: &Shared, pool: &PgPool) -> anyhow::Result<()> {
    let contract = shared.world.contracts.reputation.as_str();
    let known: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM trueup.contracts WHERE contract = $1)").bind(contract).fetch_one(pool).await?;
    let drifted = execute(pool, "UPDATE public.scores SET score = score + 1 WHERE wallet IN (SELECT wallet FROM sim.now_scores)").await?;
    if drifted == 0 || !known {
        return Ok(());
    }
    let (devnet, address) = (shared.world.devnet.clone(), contract.to_owned());
    ensure!(tokio::task::spawn_blocking(move || devnet.replace_code(&address, OTHER_CODE)).await??, "there is no contract");
    let before = repairs(pool, "score").await?;
    let run = ["run", "score", "--new", "--mode", "repair"];
    let code = shared.program.code(&run).await?;
    ensure!(code == HELD_BACK, "a run over other code ended with exit code {code}");
    ensure!(repairs(pool, "score").await? == before, "a run over other code repaired something");
    let hash = "ab".repeat(32);
    let code = shared.program.code(&["accept", contract, "--wasm", &hash, "--actor", "sim", "--reason", "the same entries"]).await?;
    ensure!(code == CLEAN, "the other code is not accepted: exit code {code}");
    shared.program.code(&run).await?;
    let repaired = repairs(pool, "score").await? - before;
    ensure!(repaired == drifted, "{drifted} rows drifted, and after the other code was accepted {repaired} were repaired");
    Ok(())
}

async fn proposals(shared: &Shared, pool: &PgPool) -> anyhow::Result<()> {
    let sql = format!("UPDATE public.positions SET deposited = deposited + 1 WHERE wallet IN ({POSITIONS} ORDER BY 1 LIMIT {PROPOSED})");
    let drifted = execute(pool, &sql).await?;
    if drifted < 3 {
        return Ok(());
    }
    let before = repairs(pool, "position").await?;
    let code = shared.program.code(&["run", "position", "--new", "--mode", "propose", "--actor", "sim"]).await?;
    ensure!([DRIFT, HELD_BACK].contains(&code), "a run that proposes ended with exit code {code}");
    ensure!(repairs(pool, "position").await? == before, "a run that proposes repaired something");
    let proposed: i64 = sqlx::query_scalar("SELECT max(id) FROM trueup.runs").fetch_one(pool).await?;
    // In the order of wallets: the first moves, the second is rejected.
    let wallets: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(format!("{POSITIONS} ORDER BY 1 LIMIT {PROPOSED}"))).fetch_all(pool).await?;
    let [moved, rejected, ..] = wallets.as_slice() else { return Ok(()) };
    execute(pool, &format!("UPDATE public.positions SET deposited = deposited + 5 WHERE wallet = '{moved}'")).await?;
    let run = proposed.to_string();
    let code =
        shared.program.code(&["repairs", "reject", "--run", &run, "--row", rejected, "--actor", "eve", "--reason", "disputed"]).await?;
    ensure!(code == CLEAN, "a proposal is not rejected: exit code {code}");
    let code = shared.program.code(&["repairs", "approve", "--run", &run, "--actor", "eve", "--reason", "as agreed", "--work"]).await?;
    ensure!(code == HELD_BACK, "an approval of which one row has moved ended with exit code {code}");
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT identity FROM trueup.repairs AS r JOIN trueup.runs ON runs.id = r.run WHERE runs.follows = $1 AND identity IN ($2, $3)",
    )
    .bind(proposed)
    .bind(moved)
    .bind(rejected)
    .fetch_all(pool)
    .await?;
    ensure!(wrong.is_empty(), "repaired though it moved or was rejected: {wrong:?}");
    let repaired = repairs(pool, "position").await? - before;
    ensure!(repaired == drifted - 2, "{drifted} were proposed, one moved, one was rejected, and {repaired} repaired");
    Ok(())
}

/// Repaired once, and then left alone for as long as nobody says that the trigger is mended.
async fn stubborn(shared: &Shared, pool: &PgPool) -> anyhow::Result<()> {
    let drifted = execute(
        pool,
        "UPDATE public.scores SET loans_repaid = 777 WHERE wallet = (SELECT wallet FROM sim.now_scores JOIN public.scores USING (wallet) ORDER BY 1 LIMIT 1)",
    )
    .await?;
    if drifted == 0 {
        return Ok(());
    }
    execute(
        pool,
        "CREATE FUNCTION sim.stubborn() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF sim.by_trueup() THEN new.loans_repaid = 777; END IF; RETURN new; END $$",
    )
    .await?;
    execute(pool, "CREATE TRIGGER stubborn BEFORE UPDATE ON public.scores FOR EACH ROW EXECUTE FUNCTION sim.stubborn()").await?;
    let before = stubborn_repairs(pool).await?;
    let run = ["run", "score", "--new", "--mode", "repair"];
    for _ in 0..STUBBORN_RUNS {
        shared.program.code(&run).await?;
    }
    let repaired = stubborn_repairs(pool).await? - before;
    ensure!(repaired == 1, "{STUBBORN_RUNS} runs wrote {repaired} times what a trigger makes something else of");
    execute(pool, "DROP TRIGGER stubborn ON public.scores").await?;
    let altered: i64 = sqlx::query_scalar("SELECT max(id) FROM trueup.repairs WHERE altered AND kind = 'score'").fetch_one(pool).await?;
    let code = shared.program.code(&["repairs", "release", &altered.to_string()]).await?;
    ensure!(code == CLEAN, "the row is not released: exit code {code}");
    shared.program.code(&run).await?;
    let repaired = stubborn_repairs(pool).await? - before;
    ensure!(repaired == 2, "the row was released, and repaired {} times", repaired - 1);
    Ok(())
}

async fn execute(pool: &PgPool, sql: &str) -> anyhow::Result<i64> {
    Ok(i64::try_from(sqlx::query(AssertSqlSafe(sql.to_owned())).execute(pool).await?.rows_affected())?)
}

async fn repairs(pool: &PgPool, kind: &str) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM trueup.repairs WHERE kind = $1").bind(kind).fetch_one(pool).await?)
}

/// Of the column that the trigger guards.
async fn stubborn_repairs(pool: &PgPool) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM trueup.repairs WHERE kind = 'score' AND intended ? 'loans_repaid'").fetch_one(pool).await?)
}
