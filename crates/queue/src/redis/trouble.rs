//! What can go wrong where two servers are needed.

use crate::Error;
use crate::engine::EngineName;
use crate::redis::script::EPOCH_CODE;

/// What kept a step from being done. Only Postgres' errors can end a worker.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the job queue's database said: {0}")]
    Database(#[from] sqlx::Error),
    /// Passes, or is waited for: what Redis holds can be had from Postgres at any time.
    #[error("Redis said: {0}")]
    Redis(redis::RedisError),
    /// Redis is not the one that was filled.
    #[error("what Redis held is lost")]
    Lost,
    /// The jobs go through another engine now.
    #[error("the jobs of this database go through {0} now")]
    Switched(EngineName),
    #[error("a record in Redis cannot be read: {0}")]
    Record(#[from] serde_json::Error),
}

// === impl Trouble ===

impl From<redis::RedisError> for Trouble {
    fn from(error: redis::RedisError) -> Self {
        if error.code() == Some(EPOCH_CODE) { Self::Lost } else { Self::Redis(error) }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Database(error) => Self::Database(error),
            Trouble::Switched(engine) => Self::Switched(engine),
            other => Self::Redis(other.to_string()),
        }
    }
}
