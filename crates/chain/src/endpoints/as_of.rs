use crate::rpc::{Answered, Method};
use crate::{EventPage, Health, TransactionReading, ViewReading};

/// An answer that says as of which ledger it is: what `latestLedger` says in the responses of stellar-rpc.
pub(crate) trait AsOf {
    /// The method that answers it. Servers keep what they answer different methods from apart, so that only answers of
    /// one method must not go back in time.
    const METHOD: Method;

    fn ledger(&self) -> u32;
}

impl AsOf for Answered {
    const METHOD: Method = Method::GetLedgerEntries;

    fn ledger(&self) -> u32 {
        self.ledger
    }
}

impl AsOf for TransactionReading {
    const METHOD: Method = Method::GetTransaction;

    fn ledger(&self) -> u32 {
        self.ledger
    }
}

impl AsOf for ViewReading {
    const METHOD: Method = Method::SimulateTransaction;

    fn ledger(&self) -> u32 {
        self.ledger
    }
}

impl AsOf for Health {
    const METHOD: Method = Method::GetHealth;

    fn ledger(&self) -> u32 {
        self.latest_ledger
    }
}

impl AsOf for EventPage {
    const METHOD: Method = Method::GetEvents;

    fn ledger(&self) -> u32 {
        self.latest_ledger
    }
}
