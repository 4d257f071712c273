//! The files of a deployment: configuration with short leases and intervals, and specs.

use std::path::Path;

use anyhow::Context as _;

use crate::world::World;

/// How many RPC endpoints there are.
pub(crate) const ENDPOINTS: usize = 1;

const SPECS: [(&str, &str); 5] = [
    ("loan.toml", include_str!("../specs/loan.toml")),
    ("mirror.toml", include_str!("../specs/mirror.toml")),
    ("position.toml", include_str!("../specs/position.toml")),
    ("score.toml", include_str!("../specs/score.toml")),
    ("transaction.toml", include_str!("../specs/transaction.toml")),
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

[[schedule]]
name = "loans"
cron = "*/3 * * * * *"
kinds = ["loan", "transaction"]
mode = "repair"
timeout_secs = 3
"#;

/// Writes them.
pub(crate) fn write(folder: &Path, world: &World, database_url: &str) -> anyhow::Result<()> {
    let specs = folder.join("specs");
    std::fs::create_dir(&specs)?;
    let contracts =
        [("${LENDING}", &world.contracts.lending), ("${POOL}", &world.contracts.pool), ("${REPUTATION}", &world.contracts.reputation)];
    for (name, text) in SPECS {
        let text = contracts.iter().fold(text.to_owned(), |text, (variable, contract)| text.replace(variable, contract));
        std::fs::write(specs.join(name), text)?;
    }
    let head = format!(
        "database_url = {database_url:?}\nrpc_url = {:?}\nnetwork_passphrase = {:?}\nspecs = [{:?}]\nrpc_calls_per_second = 1000\nrpc_timeout_ms = 700\n",
        world.endpoints.first().context("an endpoint")?.url,
        world.devnet.config().network_passphrase,
        specs
    );
    std::fs::write(folder.join("quiet.toml"), format!("{head}{LIMITS}"))?;
    std::fs::write(folder.join("trueup.toml"), format!("{head}{LIMITS}{SCHEDULES}"))?;
    Ok(())
}
