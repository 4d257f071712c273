use std::path::PathBuf;

/// Why there is no throwaway server.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No server program was found.
    #[error(
        "no Postgres server (initdb, postgres) was found in PG_BINDIR, PATH or /usr/lib/postgresql/*/bin.\n\
         Install one, 14 or newer: `sudo apt-get install postgresql` on Debian or Ubuntu, `brew install postgresql@17` on macOS;\n\
         or set PG_BINDIR to the folder that holds `initdb` and `postgres`."
    )]
    NotInstalled,
    /// Postgres refuses to run as root and there is nobody else to run it as.
    #[error(
        "Postgres refuses to run as root, and this machine has no user `postgres` to run it as.\n\
         Create one (`useradd --system postgres`) or run this command as an ordinary user."
    )]
    NoUnprivilegedUser,
    /// A program of Postgres failed.
    #[error("{program} failed: {output}")]
    Program {
        /// Which one.
        program: &'static str,
        /// What it printed.
        output: String,
    },
    /// The server did not accept connections in time.
    #[error("the throwaway Postgres server did not come up within {seconds} s; its log ({log}) ends with:\n{tail}", log = log.display())]
    NotReady {
        /// How long was waited.
        seconds: u64,
        /// Its log.
        log: PathBuf,
        /// The end of the log.
        tail: String,
    },
    /// No Redis server was found.
    #[error(
        "no Redis server (redis-server) was found in PATH.\n\
         Install one: `sudo apt-get install redis-server` on Debian or Ubuntu, `brew install redis` on macOS;\n\
         or set REDIS_SERVER to its program."
    )]
    NoRedis,
    /// Redis did not answer in time.
    #[error("the throwaway Redis did not come up within {seconds} s; its log:\n{tail}")]
    NoAnswerOfRedis {
        /// How long was waited.
        seconds: u64,
        /// Its log.
        tail: String,
    },
    /// A file operation failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server refused a statement.
    #[error("the throwaway Postgres server: {0}")]
    Database(#[from] sqlx::Error),
}

impl Error {
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }
}
