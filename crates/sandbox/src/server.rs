use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::keeper::{Identity, Keeper};
use crate::{Error, binaries};

/// How long a server may take to accept connections, in seconds.
const READY_SECS: u64 = 60;
/// How often a start is tried again with another port, should someone take ours between choosing and binding.
const START_ATTEMPTS: usize = 5;
/// How much of a log an error shows, in lines.
const LOG_TAIL_LINES: usize = 15;

/// A running throwaway server. Dropping it ends the server and removes its files.
pub struct Server {
    // The order is the order of dropping: first the process, then its files.
    keeper: Keeper,
    identity: Identity,
    binaries: PathBuf,
    folder: TempDir,
    port: u16,
    settings: Vec<String>,
}

impl Server {
    /// Creates a data directory and starts a server on it.
    ///
    /// # Errors
    /// No server program on this machine, or it does not start; each error says what to do.
    pub async fn start() -> Result<Self, Error> {
        Self::start_with(&[]).await
    }

    /// The same, with settings (`name=value`) that go before the sandbox's own: `fsync=on`, for one that is measured.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_with(settings: &[&str]) -> Result<Self, Error> {
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let binaries = binaries::find()?;
        let identity = Identity::find()?;
        let folder =
            tempfile::Builder::new().prefix("trueup-postgres-").tempdir().map_err(Error::io("cannot create a temporary folder"))?;
        create_data_directory(&binaries, identity, folder.path())?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            match launch(&binaries, identity, folder.path(), &settings).await {
                Ok((keeper, port)) => return Ok(Self { keeper, identity, binaries, folder, port, settings }),
                Err(error) if attempts >= START_ATTEMPTS => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// The address of database `name` on this server, as its superuser.
    #[must_use]
    pub fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.port)
    }

    /// Stops the server at once, as a crash would, and starts it again on the same port and data.
    ///
    /// # Errors
    /// It does not come up again.
    pub async fn restart(&mut self) -> Result<(), Error> {
        let port = self.port;
        let log = self.folder.path().join("log");
        let arguments = arguments(self.folder.path(), port, &self.settings);
        // The old one must be gone before the new one takes its place; assigning would drop it only afterwards.
        let placeholder = Keeper::start(self.identity, Path::new("/bin/true"), Vec::new(), &log)?;
        drop(std::mem::replace(&mut self.keeper, placeholder));
        self.keeper = Keeper::start(self.identity, &self.binaries.join("postgres"), arguments, &log)?;
        wait_until_ready(&self.keeper, port, &log).await
    }

    /// The process id of the server.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.keeper.pid
    }
}

fn create_data_directory(binaries: &Path, identity: Identity, folder: &Path) -> Result<(), Error> {
    let data = folder.join("data");
    std::fs::create_dir(&data).map_err(Error::io("cannot create the data directory"))?;
    if let Some((user, group)) = identity.drop_to {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))
            .map_err(Error::io("cannot open the temporary folder to user postgres"))?;
        chown(&data, Some(user), Some(group)).map_err(Error::io("cannot give the data directory to user postgres"))?;
    }
    let output = identity
        .command(&binaries.join("initdb"))
        .arg("--pgdata")
        .arg(&data)
        .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"])
        .current_dir("/")
        .output()
        .map_err(Error::io("cannot run initdb"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(Error::Program { program: "initdb", output: String::from_utf8_lossy(&output.stderr).into_owned() })
    }
}

async fn launch(binaries: &Path, identity: Identity, folder: &Path, settings: &[String]) -> Result<(Keeper, u16), Error> {
    let port = TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map_err(Error::io("cannot find a free port"))?
        .port();
    let log = folder.join("log");
    let keeper = Keeper::start(identity, &binaries.join("postgres"), arguments(folder, port, settings), &log)?;
    wait_until_ready(&keeper, port, &log).await?;
    Ok((keeper, port))
}

fn arguments(folder: &Path, port: u16, settings: &[String]) -> Vec<String> {
    let own = [
        "listen_addresses=127.0.0.1",
        // Sockets would need a folder that both users may write.
        "unix_socket_directories=",
        "fsync=off",
        "full_page_writes=off",
        "shared_buffers=256MB",
        "max_connections=300",
        "max_wal_size=4GB",
        "log_min_messages=warning",
    ];
    let mut arguments = vec!["-D".to_owned(), folder.join("data").display().to_string(), "-p".to_owned(), port.to_string()];
    // Of two settings of one name the later holds.
    for setting in own.into_iter().chain(settings.iter().map(String::as_str)) {
        arguments.extend(["-c".to_owned(), setting.to_owned()]);
    }
    arguments
}

async fn wait_until_ready(keeper: &Keeper, port: u16, log: &Path) -> Result<(), Error> {
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    let deadline = Instant::now() + Duration::from_secs(READY_SECS);
    while Instant::now() < deadline && keeper.is_running() {
        if let Ok(connection) = PgConnection::connect(&url).await {
            let _ = connection.close().await;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
    Err(Error::NotReady { seconds: READY_SECS, log: log.to_owned(), tail })
}
