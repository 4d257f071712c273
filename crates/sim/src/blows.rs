//! What happens to trueup's processes, and what operators do meanwhile.

use std::time::Duration;

use rand::{Rng, RngExt};
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

use crate::processes::{Mode, Program};
use crate::script::At;
use crate::seed::Shared;

#[derive(Debug, Clone)]
pub(crate) enum Blow {
    /// SIGKILL, and started again after a while.
    Kill { who: usize, down_ms: u64 },
    /// SIGTERM, and started again after it has ended.
    Terminate { who: usize, down_ms: u64 },
    /// SIGSTOP for longer than a lease, then SIGCONT.
    Freeze { who: usize, ms: u64 },
    /// `trueup run` of an operator, perhaps killed.
    Run { mode: Mode, full: bool, kill_after_ms: Option<u64> },
    /// A repair is reverted.
    Revert { pick: u32 },
    /// Dead jobs are tried again.
    Retry,
    /// The newest run is cancelled.
    Cancel,
}

// === impl Blow ===

impl Blow {
    pub(crate) fn draw(random: &mut impl Rng, processes: usize) -> Self {
        let who = random.random_range(0..processes);
        let down_ms = random.random_range(0..700);
        match random.random_range(0..14) {
            0..5 => Self::Kill { who, down_ms },
            5..6 => Self::Terminate { who, down_ms },
            6..8 => Self::Freeze { who, ms: random.random_range(300..2_500) },
            8..10 => {
                let mode = if random.random_ratio(2, 3) { Mode::Repair } else { Mode::Detect };
                let kill_after_ms = random.random_ratio(1, 2).then(|| random.random_range(100..1_500));
                Self::Run { mode, full: random.random_ratio(1, 3), kill_after_ms }
            }
            10..12 => Self::Revert { pick: random.random::<u32>() >> 1 },
            12 => Self::Retry,
            _ => Self::Cancel,
        }
    }
}

/// Strikes, each blow at its moment, until all have been.
pub(crate) async fn strike(shared: &Shared, blows: &[At<Blow>]) -> anyhow::Result<()> {
    let began = tokio::time::Instant::now();
    let mut operators = JoinSet::new();
    for at in blows {
        tokio::time::sleep_until(began + Duration::from_millis(at.ms)).await;
        shared.story.tell(format!("{:?}", at.what));
        match at.what.clone() {
            Blow::Kill { who, down_ms } => shared.fleet.lock().await.kill(who, down_ms).await?,
            Blow::Terminate { who, down_ms } => shared.fleet.lock().await.terminate(who, down_ms)?,
            Blow::Freeze { who, ms } => shared.fleet.lock().await.freeze(who, ms)?,
            Blow::Run { mode, full, kill_after_ms } => {
                let program = shared.program.clone();
                let mut arguments = vec!["run", "--new", "--mode", mode.word()];
                arguments.extend(full.then_some("--full"));
                operators.spawn(async move { operate(&program, &arguments, kill_after_ms).await });
            }
            Blow::Retry => {
                let program = shared.program.clone();
                operators.spawn(async move { operate(&program, &["jobs", "retry", "--all"], None).await });
            }
            Blow::Cancel => {
                if let Some(run) = number(shared, "SELECT max(id) FROM trueup.runs WHERE state = 'running'").await {
                    let program = shared.program.clone();
                    operators.spawn(async move { operate(&program, &["runs", "cancel", &run.to_string()], None).await });
                }
            }
            Blow::Revert { pick } => {
                let sql = format!(
                    "SELECT id FROM trueup.repairs WHERE action IN ('update', 'resolve') ORDER BY id
                     OFFSET {pick} % greatest((SELECT count(*) FROM trueup.repairs WHERE action IN ('update', 'resolve')), 1) LIMIT 1"
                );
                if let Some(repair) = number(shared, &sql).await {
                    let program = shared.program.clone();
                    let arguments =
                        ["repairs".to_owned(), "revert".to_owned(), repair.to_string(), "--reason".to_owned(), "sim".to_owned()];
                    operators.spawn(async move { operate(&program, &arguments.each_ref().map(String::as_str), None).await });
                }
            }
        }
    }
    while let Some(ended) = operators.join_next().await {
        ended??;
    }
    Ok(())
}

/// An operator's command. Faults may make it fail; it may not panic.
async fn operate(program: &Program, arguments: &[&str], kill_after_ms: Option<u64>) -> anyhow::Result<()> {
    program.operate(arguments, kill_after_ms.map(Duration::from_millis)).await
}

async fn number(shared: &Shared, sql: &str) -> Option<i64> {
    let mut connection = PgConnection::connect(&shared.database_url).await.ok()?;
    sqlx::query_scalar::<_, Option<i64>>(sqlx::AssertSqlSafe(sql.to_owned())).fetch_optional(&mut connection).await.ok()??
}
