use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Error;
use crate::keeper::{Identity, Keeper};

/// Names the Redis that tests should share; `make test` sets it.
pub const REDIS_URL: &str = "TRUEUP_TEST_REDIS_URL";
/// How long a server may take to answer, in seconds.
const READY_SECS: u64 = 20;
/// What Redis says when it has done what it was told.
const OK: &[u8] = b"+OK\r\n";
/// How often a start is tried again with another port, should someone take ours between choosing and binding.
const START_ATTEMPTS: usize = 5;

/// A running throwaway Redis: on a free port of the loopback interface, without persistence. Dropping it ends it.
pub struct RedisServer {
    // The order is the order of dropping: first the process, then its files.
    keeper: Keeper,
    program: PathBuf,
    folder: TempDir,
    port: u16,
    password: Option<String>,
}

impl RedisServer {
    /// Starts one.
    ///
    /// # Errors
    /// There is no `redis-server` on this machine, or it does not start; each error says what to do.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(None)
    }

    /// Starts one that asks for this password.
    ///
    /// # Errors
    /// As of [`Self::start`].
    pub fn start_with(password: Option<&str>) -> Result<Self, Error> {
        let program = find()?;
        let folder = tempfile::Builder::new().prefix("trueup-redis-").tempdir().map_err(Error::io("cannot create a temporary folder"))?;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let port = TcpListener::bind(("127.0.0.1", 0))
                .and_then(|listener| listener.local_addr())
                .map_err(Error::io("cannot find a free port"))?
                .port();
            match launch(&program, folder.path(), port, password) {
                Ok(keeper) => return Ok(Self { keeper, program, folder, port, password: password.map(str::to_owned) }),
                Err(error) if attempts >= START_ATTEMPTS => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        match &self.password {
            Some(password) => format!("redis://:{password}@127.0.0.1:{}", self.port),
            None => format!("redis://127.0.0.1:{}", self.port),
        }
    }

    /// Makes it forget everything, while it goes on.
    ///
    /// # Errors
    /// It does not answer, or refuses.
    pub fn empty(&self) -> Result<(), Error> {
        let authenticate = self.password.as_ref().map(|password| format!("AUTH {password}\r\n"));
        let lines = format!("{}FLUSHALL\r\n", authenticate.as_deref().unwrap_or_default());
        let answers = if authenticate.is_some() { OK.repeat(2) } else { OK.to_vec() };
        let asked = || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(Duration::from_secs(READY_SECS)))?;
            stream.write_all(lines.as_bytes())?;
            let mut said = vec![0; answers.len()];
            stream.read_exact(&mut said)?;
            Ok(said)
        };
        let said = asked().map_err(Error::io("cannot empty the throwaway Redis"))?;
        if said == answers {
            return Ok(());
        }
        let refusal = std::io::Error::other(String::from_utf8_lossy(&said).into_owned());
        Err(Error::io("the throwaway Redis refuses to be emptied")(refusal))
    }

    /// Stops it at once, as a crash would, and starts it again on the same port. It remembers nothing.
    ///
    /// # Errors
    /// It does not come up again.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.stop()?;
        self.keeper = launch(&self.program, self.folder.path(), self.port, self.password.as_deref())?;
        Ok(())
    }

    /// Stops it at once.
    ///
    /// # Errors
    /// The system does not let go of it.
    pub fn stop(&mut self) -> Result<(), Error> {
        // The old one must be gone before another takes its place; assigning would drop it only afterwards.
        let nobody = Identity { drop_to: None };
        let placeholder = Keeper::start(nobody, Path::new("/bin/true"), Vec::new(), &self.folder.path().join("log"))?;
        drop(std::mem::replace(&mut self.keeper, placeholder));
        Ok(())
    }
}

/// `REDIS_SERVER`, else the one on the `PATH`.
fn find() -> Result<PathBuf, Error> {
    let named = std::env::var_os("REDIS_SERVER").map(PathBuf::from);
    let on_path: Option<Vec<PathBuf>> =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).map(|folder| folder.join("redis-server")).collect());
    named.into_iter().chain(on_path.unwrap_or_default()).find(|program| program.is_file()).ok_or(Error::NoRedis)
}

fn launch(program: &Path, folder: &Path, port: u16, password: Option<&str>) -> Result<Keeper, Error> {
    let mut arguments: Vec<String> =
        ["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir", &folder.display().to_string(), "--save", "", "--appendonly", "no"]
            .map(str::to_owned)
            .to_vec();
    if let Some(password) = password {
        arguments.extend(["--requirepass".to_owned(), password.to_owned()]);
    }
    let log = folder.join("log");
    let keeper = Keeper::start(Identity { drop_to: None }, program, arguments, &log)?;
    let deadline = Instant::now() + Duration::from_secs(READY_SECS);
    while Instant::now() < deadline && keeper.is_running() {
        if answers(port) {
            return Ok(keeper);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let tail = std::fs::read_to_string(&log).unwrap_or_default();
    Err(Error::NoAnswerOfRedis { seconds: READY_SECS, tail })
}

/// Any answer will do, also that it wants a password.
fn answers(port: u16) -> bool {
    let asked = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut first = [0; 1];
        Ok(stream.read(&mut first)? == 1 && matches!(first[0], b'+' | b'-'))
    };
    asked().unwrap_or(false)
}
