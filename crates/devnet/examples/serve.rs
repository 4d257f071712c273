//! Serves a devnet with every contract deployed:
//! `cargo run --release -p trueup-devnet --example serve [PORT]`.
//!
//! Prints one JSON line with the URL and the contracts, then runs until it is
//! interrupted. Port 0 (the default) takes any free one.

use serde_json::json;
use std::io::Write;
use trueup_devnet::{Config, Devnet};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let devnet = Devnet::new(Config::default());
    let contracts = devnet.deploy_all()?;
    let served = devnet.serve(("127.0.0.1", port)).await?;
    let line = json!({ "url": served.url, "contracts": contracts });
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    tokio::signal::ctrl_c().await?;
    served.shutdown().await;
    Ok(())
}
