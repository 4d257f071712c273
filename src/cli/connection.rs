use std::path::PathBuf;

use clap::Args;

use crate::Config;

/// Where everything is. Flags go before the environment, which goes before the file.
#[derive(Args)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Configuration file [default: trueup.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = "TRUEUP_CONFIG")]
    config: Option<PathBuf>,
    /// The application's Postgres: a direct or session-mode connection [env: DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Soroban RPC endpoint; may be given several times, the preferred one first [env: TRUEUP_RPC_URL]
    #[arg(long, global = true, value_name = "URL")]
    rpc_url: Vec<String>,
    /// Horizon server, asked for transactions that are older than what the endpoint keeps [env: TRUEUP_HORIZON_URL]
    #[arg(long, global = true, value_name = "URL")]
    horizon_url: Option<String>,
    /// How many endpoints must show the same before a row is repaired: 1 or 2 [env: TRUEUP_CONFIRM]
    #[arg(long, global = true, value_name = "NUMBER")]
    confirm: Option<usize>,
    /// The network that every endpoint must belong to [env: TRUEUP_NETWORK_PASSPHRASE]
    #[arg(long, global = true, value_name = "PASSPHRASE")]
    network_passphrase: Option<String>,
    /// Spec file or folder; may be given several times [env: TRUEUP_SPECS]
    #[arg(long, global = true, value_name = "PATH")]
    specs: Vec<PathBuf>,
}

// === impl Connection ===

impl Connection {
    /// A devnet is a chain of its own: an option that says where another one is would be ignored, and its user misled.
    pub(crate) fn refuse_for_devnet(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.network_passphrase.is_none(),
            "--network-passphrase says which network an endpoint must belong to; the passphrase of a devnet is given by --passphrase"
        );
        Ok(())
    }

    pub(crate) fn config(self) -> anyhow::Result<Config> {
        let mut config = Config::read(self.config.as_deref())?.or_environment()?;
        config.database_url = self.database_url.or(config.database_url);
        if !self.rpc_url.is_empty() {
            config.set_rpc_urls(self.rpc_url);
        }
        config.confirm = self.confirm.or(config.confirm);
        config.horizon_url = self.horizon_url.or(config.horizon_url);
        config.network_passphrase = self.network_passphrase.or(config.network_passphrase);
        if !self.specs.is_empty() {
            config.specs = self.specs;
        }
        Ok(config)
    }
}
