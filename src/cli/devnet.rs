use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use trueup_devnet::{AutoClose, Config, Devnet, Faults, STANDALONE_PASSPHRASE};

use super::{Exit, output, signal};

/// What the devnet serves.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// Serve this snapshot instead of the example's contracts: JSON lines of key, xdr, lastModifiedLedgerSeq and
    /// liveUntilLedgerSeq, in base64 XDR
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
    /// Write a snapshot of all entries when the devnet stops
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// The passphrase of the network
    #[arg(long, value_name = "PASSPHRASE", default_value = STANDALONE_PASSPHRASE)]
    passphrase: String,
    /// Close a ledger every so many milliseconds; 0: one for each transaction
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 1000)]
    close_every: u64,
    /// Milliseconds that every answer takes longer; `POST /faults` sets this and every other fault
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency: u64,
}

pub(super) async fn devnet(arguments: Arguments) -> anyhow::Result<Exit> {
    let shutdown = signal::shutdown()?;
    let auto_close = match arguments.close_every {
        0 => AutoClose::PerTransaction,
        every => AutoClose::Every(Duration::from_millis(every)),
    };
    let config = Config { network_passphrase: arguments.passphrase.clone(), auto_close, ..Config::default() };
    let devnet = Devnet::new(config);
    let contracts = match &arguments.load {
        Some(file) => load(&devnet, file)?,
        None => {
            let deployed = devnet.deploy_all()?;
            json!({ "lending": deployed.lending, "pool": deployed.pool, "reputation": deployed.reputation, "usdc": deployed.usdc })
        }
    };
    devnet.faults().set(Faults { latency_ms: arguments.latency, ..Faults::default() });
    let address = ("127.0.0.1", arguments.port);
    let served =
        devnet.serve(address).await.with_context(|| format!("cannot serve on 127.0.0.1:{}; another port: --port", arguments.port))?;
    output::line(&json!({ "url": served.url, "networkPassphrase": arguments.passphrase, "contracts": contracts }).to_string())?;
    shutdown.cancelled().await;
    served.shutdown().await;
    if let Some(file) = &arguments.dump {
        dump(&devnet, file)?;
    }
    Ok(Exit::Clean)
}

fn load(devnet: &Devnet, file: &Path) -> anyhow::Result<serde_json::Value> {
    let reader = BufReader::new(File::open(file).with_context(|| format!("cannot read {}", file.display()))?);
    let entries = devnet.load(reader).with_context(|| format!("{} is no snapshot", file.display()))?;
    tracing::info!(entries, file = %file.display(), "loaded");
    Ok(json!({}))
}

/// Written beside the file and moved over it, so that a snapshot is never half there.
fn dump(devnet: &Devnet, file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> anyhow::Result<usize> {
        let mut half = tempfile::NamedTempFile::new_in(folder)?;
        let entries = devnet.dump(BufWriter::new(&mut half))?;
        half.flush()?;
        half.persist(file)?;
        Ok(entries)
    };
    let entries = write().with_context(|| format!("cannot write {}", file.display()))?;
    tracing::info!(entries, file = %file.display(), "dumped");
    Ok(())
}
