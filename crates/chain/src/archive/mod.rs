//! Where a transaction can be asked for by its hash: RPC endpoints, which keep days of ledgers, and archives, which
//! keep all of them.

mod horizon;

#[cfg(feature = "fuzzing")]
pub(crate) use horizon::read as read_record;
pub use horizon::{Horizon, HorizonConfig};

use trueup_judge::Answer;

use crate::{Chain, ReadError, TransactionFacts, TransactionReading};

/// A record of transactions.
pub trait History: Sync {
    /// What has become of a transaction, by its hash in hex.
    ///
    /// # Errors
    /// There is no usable answer. Not being found is an answer.
    fn transaction(&self, hash: &str) -> impl Future<Output = Result<TransactionReading, ReadError>> + Send;

    /// The same, by both hashes of a fee bump where its envelope is known and the first is not found: the inner
    /// transaction may have landed within another fee bump.
    ///
    /// # Errors
    /// There is no usable answer for one of them.
    fn transaction_of(
        &self,
        hash: &str,
        facts: Option<&TransactionFacts>,
    ) -> impl Future<Output = Result<TransactionReading, ReadError>> + Send {
        async move {
            let first = self.transaction(hash).await?;
            match facts.and_then(|facts| facts.other_hash(hash)).filter(|_| first.answer == Answer::NotFound) {
                Some(other) => Ok(first.or(self.transaction(other).await?)),
                None => Ok(first),
            }
        }
    }
}

impl History for Chain {
    async fn transaction(&self, hash: &str) -> Result<TransactionReading, ReadError> {
        Self::transaction(self, hash).await
    }
}

// === impl TransactionReading ===

impl TransactionReading {
    /// Two answers for two hashes of one transaction. If neither was found, what both endpoints keep.
    fn or(self, other: Self) -> Self {
        if other.answer != Answer::NotFound {
            return other;
        }
        let retention = self.retention.zip(other.retention).map(|(first, second)| trueup_judge::Retention {
            oldest: if first.oldest.ledger >= second.oldest.ledger { first.oldest } else { second.oldest },
            latest: if first.latest.ledger <= second.latest.ledger { first.latest } else { second.latest },
        });
        // Two endpoints together are another witness than each of them alone.
        let endpoint = if self.endpoint == other.endpoint { self.endpoint } else { format!("{} and {}", self.endpoint, other.endpoint) };
        Self { endpoint, retention, ledger: self.ledger.min(other.ledger), ..other }
    }
}
