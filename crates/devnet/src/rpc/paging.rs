//! Pages of ledgers and transactions, and the ids that cursors are made of.

use crate::rpc::protocol::RpcError;
use crate::rpc::view::View;
use serde::Deserialize;

/// Most ledgers or transactions on a page.
pub(crate) const MAX_PAGE: u32 = 200;
const DEFAULT_PAGE: u32 = 50;

/// Parameters of `getLedgers` and `getTransactions`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageParams {
    #[serde(default)]
    start_ledger: u32,
    pagination: Option<Pagination>,
    pub(crate) xdr_format: Option<String>,
}

#[derive(Deserialize)]
struct Pagination {
    #[serde(default)]
    cursor: String,
    #[serde(default)]
    limit: u32,
}

/// Where a page begins, and how long it may get.
pub(crate) struct Page {
    pub(crate) start: Start,
    pub(crate) limit: usize,
}

pub(crate) enum Start {
    Ledger(u32),
    Cursor(String),
}

// === impl PageParams ===

impl PageParams {
    /// Checks the parameters as the server does: the start within what it has,
    /// a start or a cursor, a limit that it allows.
    pub(crate) fn page(&self, view: &View<'_>) -> Result<Page, RpcError> {
        let cursor = self.pagination.as_ref().map(|p| p.cursor.as_str()).filter(|cursor| !cursor.is_empty());
        let limit = self.pagination.as_ref().map_or(0, |p| p.limit);
        let start = match cursor {
            Some(cursor) if self.start_ledger != 0 => {
                return Err(RpcError::invalid_request(format!(
                    "startLedger ({}) and cursor ({cursor}) cannot both be set",
                    self.start_ledger
                )));
            }
            Some(cursor) => Start::Cursor(cursor.to_owned()),
            None if view.has(self.start_ledger) => Start::Ledger(self.start_ledger),
            None => {
                let (oldest, latest) = view.range();
                return Err(RpcError::invalid_request(format!(
                    "start ledger ({}) must be between the oldest ledger: {oldest} and the latest ledger: {latest} for this rpc instance",
                    self.start_ledger
                )));
            }
        };
        if limit > MAX_PAGE {
            return Err(RpcError::invalid_request(format!("limit must not exceed {MAX_PAGE}")));
        }
        let limit = if limit == 0 { DEFAULT_PAGE } else { limit };
        Ok(Page { start, limit: limit as usize })
    }
}

/// A total order over ledgers, transactions and operations (SEP-35).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Toid {
    pub(crate) ledger: u32,
    pub(crate) transaction: u32,
    pub(crate) operation: u32,
}

// === impl Toid ===

impl Toid {
    pub(crate) const MAX_TRANSACTION: u32 = (1 << 20) - 1;
    pub(crate) const MAX_OPERATION: u32 = (1 << 12) - 1;

    pub(crate) fn to_u64(self) -> u64 {
        (u64::from(self.ledger) << 32) | (u64::from(self.transaction) << 12) | u64::from(self.operation)
    }

    pub(crate) fn from_u64(id: u64) -> Self {
        Self {
            ledger: (id >> 32) as u32,
            transaction: ((id >> 12) as u32) & Self::MAX_TRANSACTION,
            operation: (id as u32) & Self::MAX_OPERATION,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Toid;

    #[test]
    fn an_id_survives_its_number() {
        let id = Toid { ledger: 51_340_657, transaction: 7, operation: 3 };
        assert_eq!(Toid::from_u64(id.to_u64()), id);
    }
}
