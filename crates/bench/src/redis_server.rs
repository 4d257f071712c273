//! A Redis of its own, durable as BullMQ's documentation advises.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// The append-only file, flushed every second; nothing is evicted. The same for every contestant.
pub(crate) const SETTINGS: [&str; 8] =
    ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"];
/// How long it may take to accept connections.
const READY_LIMIT: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Killed when it is dropped; its files go with it.
pub(crate) struct Redis {
    _child: Child,
    _folder: TempDir,
    pub(crate) url: String,
    pub(crate) connection: MultiplexedConnection,
}

impl Redis {
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("trueup-redis-").tempdir()?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
            .arg(folder.path())
            .args(SETTINGS)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start redis-server")?;
        let url = format!("redis://127.0.0.1:{port}");
        let client = redis::Client::open(url.as_str())?;
        let deadline = Instant::now() + READY_LIMIT;
        let connection = loop {
            match client.get_multiplexed_async_connection().await {
                Ok(connection) => break connection,
                Err(error) if Instant::now() >= deadline => return Err(error).context("redis-server does not accept connections"),
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        Ok(Self { _child: child, _folder: folder, url, connection })
    }
}
