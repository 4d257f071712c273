/// Why there is no connection, and what to do about it. Names host, port, database and role; never a password.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The address is not one.
    #[error(
        "the database address is not valid: {reason}\nIt reads postgres://USER:PASSWORD@HOST:PORT/DATABASE; special characters in the password are percent-encoded (`@` is %40)."
    )]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// A transaction-mode pooler by its port.
    #[error(
        "{place} is a transaction-mode pooler (port {port}). trueup needs a connection that stays its own: session settings, advisory locks and LISTEN do not survive there.\n\
         Use the direct connection or the session-mode pooler (on Supabase: port 5432)."
    )]
    TransactionPooler {
        /// Host and port.
        place: String,
        /// The port.
        port: u16,
    },
    /// Two statements of one connection met different servers, or lost their settings.
    #[error(
        "{place}: the server forgets a session's settings between statements, as a pooler in transaction mode does. trueup needs a connection that stays its own.\n\
         Connect to Postgres directly, or set the pooler to session mode."
    )]
    SessionLost {
        /// Host and port.
        place: String,
    },
    /// Nothing answers.
    #[error("no Postgres answers at {place} (tried for {seconds} s): {reason}\nIs it running, and is the address right?")]
    Unreachable {
        /// Host and port.
        place: String,
        /// How long was tried.
        seconds: u64,
        /// What the system said.
        reason: String,
    },
    /// Role or password.
    #[error("{place} does not let `{user}` in: {reason}\nCheck the user and the password in the database address.")]
    Denied {
        /// Host and port.
        place: String,
        /// The role.
        user: String,
        /// What Postgres said.
        reason: String,
    },
    /// No such database.
    #[error(
        "{place} has no database `{database}`.\nCheck the name after the last `/` of the database address, or create it: CREATE DATABASE {database};"
    )]
    NoDatabase {
        /// Host and port.
        place: String,
        /// The database.
        database: String,
    },
    /// Postgres is too old.
    #[error("{place} runs Postgres {version}; trueup needs {oldest} or newer.")]
    TooOld {
        /// Host and port.
        place: String,
        /// What it runs.
        version: String,
        /// The oldest that will do.
        oldest: u32,
    },
    /// The tables of trueup are not there.
    #[error("database `{database}` at {place} has no schema `trueup`, or not all of it.\nCreate it with `trueup migrate`.")]
    NoSchema {
        /// Host and port.
        place: String,
        /// The database.
        database: String,
    },
    /// Something else.
    #[error("{place}: {reason}")]
    Other {
        /// Host and port.
        place: String,
        /// What Postgres said.
        reason: String,
    },
}
