//! All that contracts emitted, apart from any endpoint: what answers of endpoints are held against.

use super::Cursor;
use crate::address;
use crate::devnet::Devnet;
use crate::rpc::paging::Toid;
use crate::xdr;
use stellar_xdr::{ContractEventBody, ContractEventType};

/// An event of a contract, as the chain has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Emitted {
    /// Its id, as `getEvents` gives it.
    pub id: String,
    /// The ledger that holds it.
    pub ledger: u32,
    /// The contract (`C…`).
    pub contract: String,
    /// The hash of its transaction, lower-case hex.
    pub transaction: String,
    /// Its topics, base64 XDR.
    pub topics: Vec<String>,
    /// Its data, base64 XDR.
    pub data: String,
}

impl Devnet {
    /// Every event of a contract in the ledgers that are kept, in their order.
    #[must_use]
    pub fn emitted(&self) -> Vec<Emitted> {
        let chain = self.chain();
        let (oldest, latest) = (chain.oldest().sequence, chain.latest().sequence);
        let mut emitted = Vec::new();
        for ledger in (oldest..=latest).filter_map(|sequence| chain.ledger(sequence)) {
            for (tx_index, tx) in ledger.transactions.iter().enumerate() {
                for (event_index, event) in tx.events.iter().enumerate() {
                    let (ContractEventType::Contract, Some(contract)) = (event.type_, &event.contract_id) else { continue };
                    let at = Toid { ledger: ledger.sequence, transaction: tx_index as u32 + 1, operation: 0 };
                    let ContractEventBody::V0(body) = &event.body;
                    emitted.push(Emitted {
                        id: Cursor { at, event: event_index as u32 }.text(),
                        ledger: ledger.sequence,
                        contract: address::contract_strkey(&contract.0.0),
                        transaction: hex::encode(tx.hash),
                        topics: body.topics.iter().map(xdr::to_base64).collect(),
                        data: xdr::to_base64(&body.data),
                    });
                }
            }
        }
        emitted
    }
}
