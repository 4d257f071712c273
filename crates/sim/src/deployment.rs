//! The files of a deployment: configuration with short leases and intervals, and specs.

use std::path::Path;

use anyhow::Context as _;

use crate::world::World;

const SPECS: [(&str, &str); 6] = [
    ("loan.toml", include_str!("../specs/loan.toml")),
    ("mirror.toml", include_str!("../specs/mirror.toml")),
    ("position.toml", include_str!("../specs/position.toml")),
    ("score.toml", include_str!("../specs/score.toml")),
    ("transaction.toml", include_str!("../specs/transaction.toml")),
    ("request.toml", include_str!("../specs/request.toml")),
];

const LIMITS: &str = "
[queue]
lease_secs = 1
poll_ms = 100
max_failures = 4
retry_base_ms = 50
retry_cap_secs = 1
drain_grace_secs = 2

[worker]
max_looks = 3
look_again_after_ms = 150
tick_ms = 100
enqueue_claim_secs = 1
jobs_per_chunk = 20
unreachable_after_secs = 30
events_ms = 150
events_catch_up_secs = 2
events_per_page = 7

[database]
readers = 2
writers = 3
lock_timeout_ms = 400
";

const SCHEDULES: &str = r#"
[[schedule]]
name = "repair"
cron = "* * * * * *"
mode = "repair"
timeout_secs = 30
full = "${FULL}"

[[schedule]]
name = "loans"
cron = "*/3 * * * * *"
kinds = ["loan", "transaction"]
mode = "repair"
timeout_secs = 3
full = "${FULL}"
"#;

/// What the specs let a run write, and what it is where the guard is to hold.
const OPEN_GUARD: &str = "max_share = \"100%\"";
const TIGHT_GUARD: &str = "max_share = \"10%\"\nfloor = 0";

/// Writes them: `trueup.toml`, `quiet.toml` without schedules, and `guarded.toml`, whose specs let a run write little.
pub(crate) fn write(folder: &Path, world: &World, full_sweeps: &str, database_url: &str, redis_url: Option<&str>) -> anyhow::Result<()> {
    let contracts =
        [("${LENDING}", &world.contracts.lending), ("${POOL}", &world.contracts.pool), ("${REPUTATION}", &world.contracts.reputation)];
    for (specs, guard) in [("specs", OPEN_GUARD), ("guarded", TIGHT_GUARD)] {
        let specs = folder.join(specs);
        std::fs::create_dir(&specs)?;
        for (name, text) in SPECS {
            let text = contracts.iter().fold(text.to_owned(), |text, (variable, contract)| text.replace(variable, contract));
            std::fs::write(specs.join(name), text.replace(OPEN_GUARD, guard))?;
        }
    }
    let urls: Vec<&str> = world.endpoints.iter().map(|endpoint| endpoint.url.as_str()).collect();
    let (first, others) = urls.split_first().context("an endpoint")?;
    let queue = redis_url.map(|url| format!("[queue]\nengine = \"redis\"\nurl = {url:?}\n"));
    let limits = queue.map_or_else(|| LIMITS.to_owned(), |queue| LIMITS.replacen("[queue]\n", &queue, 1));
    let head = |specs: &str| {
        format!(
            "database_url = {database_url:?}\nrpc_url = {first:?}\nrpc_urls = {others:?}\nconfirm = {}\nnetwork_passphrase = {:?}\nspecs = [{:?}]\nrpc_calls_per_second = 1000\nrpc_timeout_ms = 700\n",
            world.confirm,
            world.devnet.config().network_passphrase,
            folder.join(specs)
        )
    };
    std::fs::write(folder.join("quiet.toml"), format!("{}{limits}", head("specs")))?;
    std::fs::write(folder.join("guarded.toml"), format!("{}{limits}", head("guarded")))?;
    let schedules = SCHEDULES.replace("${FULL}", full_sweeps);
    std::fs::write(folder.join("trueup.toml"), format!("{}{limits}{schedules}", head("specs")))?;
    Ok(())
}
