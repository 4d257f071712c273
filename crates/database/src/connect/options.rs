use std::str::FromStr;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::ConnectError;

/// The port of Supabase's transaction-mode pooler.
const TRANSACTION_POOLER_PORT: u16 = 6543;

/// What makes the text of a value the same on every connection. <https://www.postgresql.org/docs/current/runtime-config-client.html>
/// The last makes a backslash in a literal a backslash.
pub(crate) const CANONICAL: [(&str, &str); 6] = [
    ("TimeZone", "UTC"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "postgres"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "3"),
    ("standard_conforming_strings", "on"),
];

/// Options for a connection to `url`, with the session settings that make text canonical.
///
/// # Errors
/// The address is not valid, or leads to a pooler in transaction mode.
pub fn options(url: &str) -> Result<PgConnectOptions, ConnectError> {
    let options = PgConnectOptions::from_str(url).map_err(|error| ConnectError::Address { reason: reason(error) })?;
    let port = options.get_port();
    if port == TRANSACTION_POOLER_PORT {
        return Err(ConnectError::TransactionPooler { place: place(&options), port });
    }
    // A statement that enqueues fifty thousand jobs is slow and no news; its text is no log line.
    Ok(options.application_name("trueup").disable_statement_logging())
}

/// Host and port, for messages.
pub(crate) fn place(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

fn reason(error: sqlx::Error) -> String {
    match error {
        sqlx::Error::Configuration(reason) => reason.to_string(),
        other => other.to_string(),
    }
}
