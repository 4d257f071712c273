//! What can go wrong with a statement: for the moment, for good, or for one row.

use sqlx::postgres::PgDatabaseError;
use trueup_spec::SpecErrors;

/// A statement failed as a whole; it says nothing about any one row.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The connection, a lock, or the server's shutting down: the same statement may well succeed later.
    #[error("the database did not answer: {0}")]
    Transient(#[source] sqlx::Error),
    /// It fails in the same way until someone changes something: a table is gone, a right was taken away.
    #[error("the database refused: {0}")]
    Refused(#[source] sqlx::Error),
}

/// Why a spec could not be bound to a database.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The spec does not fit the database: all that is wrong, with places.
    #[error(transparent)]
    Spec(#[from] SpecErrors),
    /// The database could not be asked.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Why one row, alone, could not be read or compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RowError {
    /// What Postgres said, in one line.
    pub message: String,
    /// The same may well succeed later: it took longer than a statement may.
    pub is_passing: bool,
}

/// Conditions that pass: class 08 connection, 40 rollback (serialization, deadlock), 53 resources, 57 operator
/// intervention, 58 system, 55P03 lock not available. <https://www.postgresql.org/docs/current/errcodes-appendix.html>
const TRANSIENT_CLASSES: [&str; 5] = ["08", "40", "53", "57", "58"];
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Conditions that no row is to blame for: insufficient privilege, undefined table, column, function, and a
/// transaction that is read-only.
const BLAMELESS: [&str; 5] = ["42501", "42P01", "42703", "42883", READ_ONLY];

/// SQLSTATE of a key that is there already.
pub(crate) const UNIQUE_VIOLATION: &str = "23505";

/// SQLSTATE of a statement that took longer than `statement_timeout`, or that an administrator cancelled.
pub(crate) const QUERY_CANCELED: &str = "57014";

/// SQLSTATE of a write on a server, or in a transaction, that only reads.
pub(crate) const READ_ONLY: &str = "25006";

/// The SQLSTATE of an error; empty where Postgres did not make it.
pub(crate) fn code(error: &sqlx::Error) -> String {
    error.as_database_error().and_then(|it| it.code()).unwrap_or_default().into_owned()
}

/// Whom an error is about.
pub(crate) enum Blame {
    /// Nobody: it passes.
    Passing,
    /// Nobody: the statement cannot work.
    Statement,
    /// Some row of the batch.
    Row,
}

pub(crate) fn blame(error: &sqlx::Error) -> Blame {
    let error = match error {
        sqlx::Error::Database(error) => error,
        // What came back was not what was asked for; asking again brings the same.
        sqlx::Error::Decode(_)
        | sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::ColumnNotFound(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::TypeNotFound { .. }
        | sqlx::Error::Encode(_)
        | sqlx::Error::RowNotFound => return Blame::Statement,
        _ => return Blame::Passing,
    };
    let code = error.code().unwrap_or_default();
    if TRANSIENT_CLASSES.iter().any(|class| code.starts_with(class)) || code == LOCK_NOT_AVAILABLE {
        Blame::Passing
    } else if BLAMELESS.contains(&code.as_ref()) {
        Blame::Statement
    } else {
        Blame::Row
    }
}

impl DatabaseError {
    /// Whether trying again may help.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Transient(_))
    }
}

impl From<sqlx::Error> for DatabaseError {
    fn from(error: sqlx::Error) -> Self {
        match blame(&error) {
            Blame::Passing => Self::Transient(error),
            Blame::Statement | Blame::Row => Self::Refused(error),
        }
    }
}

impl RowError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_passing: false }
    }

    pub(crate) fn from_sqlx(error: &sqlx::Error) -> Self {
        Self { message: sentence(error), is_passing: matches!(blame(error), Blame::Passing) }
    }
}

/// How Postgres begins a detail that shows a whole row, also the columns that no spec names.
const WHOLE_ROW: &str = "Failing row contains";

/// What Postgres said, with its detail unless that shows a whole row, in one line.
pub(crate) fn sentence(error: &sqlx::Error) -> String {
    let Some(database) = error.as_database_error() else { return error.to_string() };
    let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() else { return database.message().to_owned() };
    let mut text = postgres.message().replace('\n', " ");
    if let Some(detail) = postgres.detail().filter(|detail| !detail.starts_with(WHOLE_ROW)) {
        text = format!("{text} ({})", detail.replace('\n', " "));
    }
    text
}
