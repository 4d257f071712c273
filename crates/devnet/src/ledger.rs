//! Closed ledgers: what a header and the close meta of one hold.

use crate::execute::check;
use crate::execute::outcome::Applied;
use crate::xdr;
use stellar_xdr::{
    ContractEvent, ExtensionPoint, GeneralizedTransactionSet, Hash, LedgerCloseMeta, LedgerCloseMetaExt, LedgerCloseMetaExtV1,
    LedgerCloseMetaV2, LedgerHeader, LedgerHeaderExt, LedgerHeaderHistoryEntry, LedgerHeaderHistoryEntryExt, StellarValue, StellarValueExt,
    TimePoint, TransactionEnvelope, TransactionPhase, TransactionResultMetaV1, TransactionResultPair, TransactionResultResult,
    TransactionSetV1, TxSetComponent, TxSetComponentTxsMaybeDiscountedFee,
};

/// Most transactions that a header says a ledger may hold.
const MAX_TX_SET_SIZE: u32 = 10_000;
const BASE_FEE_STROOPS: u32 = 100;
/// All lumens of a new network, in stroops.
const TOTAL_COINS: i64 = 1_000_000_000_000_000_000;
/// What the network charges to write a kilobyte, in stroops.
const WRITE_FEE_PER_KB: i64 = 875;

/// A transaction of a closed ledger, as bytes.
pub(crate) struct TxRecord {
    pub(crate) hash: [u8; 32],
    /// Of the transaction that a fee bump wraps: it is found by this one too, as at stellar-rpc.
    pub(crate) inner_hash: Option<[u8; 32]>,
    pub(crate) envelope: Vec<u8>,
    pub(crate) result: Vec<u8>,
    pub(crate) meta: Vec<u8>,
    fee_changes: Vec<u8>,
    pub(crate) events: Vec<ContractEvent>,
    pub(crate) succeeded: bool,
    pub(crate) fee_bump: bool,
    pub(crate) soroban: bool,
    /// Stroops offered beyond the resources, per operation.
    pub(crate) inclusion_fee: u64,
}

// === impl TxRecord ===

impl TxRecord {
    pub(crate) fn new(applied: &Applied) -> Self {
        let inner = check::inner(&applied.envelope);
        let operations = inner.map_or(1, |inner| inner.tx.operations.len().max(1)) as i64;
        let resources = inner.map_or(0, |inner| match &inner.tx.ext {
            stellar_xdr::TransactionExt::V1(data) => data.resource_fee,
            stellar_xdr::TransactionExt::V0 => 0,
        });
        let inclusion = applied.result.fee_charged.saturating_sub(resources) / operations;
        Self {
            hash: applied.hash,
            inner_hash: inner_hash(&applied.result.result),
            envelope: xdr::bytes(&applied.envelope),
            result: xdr::bytes(&applied.result),
            meta: xdr::bytes(&applied.meta),
            fee_changes: xdr::bytes(&applied.fee_changes),
            events: applied.events.clone(),
            succeeded: applied.succeeded,
            fee_bump: matches!(applied.envelope, TransactionEnvelope::TxFeeBump(_)),
            soroban: inner.is_some_and(|inner| inner.tx.operations.iter().any(check::is_soroban)),
            inclusion_fee: u64::try_from(inclusion).unwrap_or(0),
        }
    }
}

fn inner_hash(result: &TransactionResultResult) -> Option<[u8; 32]> {
    match result {
        TransactionResultResult::TxFeeBumpInnerSuccess(pair) | TransactionResultResult::TxFeeBumpInnerFailed(pair) => {
            Some(pair.transaction_hash.0)
        }
        _ => None,
    }
}

/// A closed ledger.
pub(crate) struct LedgerRecord {
    pub(crate) sequence: u32,
    pub(crate) hash: [u8; 32],
    /// Unix seconds.
    pub(crate) close_time: u64,
    pub(crate) header: LedgerHeader,
    pub(crate) transactions: Vec<TxRecord>,
}

// === impl LedgerRecord ===

impl LedgerRecord {
    /// Closes a ledger on top of `previous`. `state` is a digest of what it wrote.
    pub(crate) fn close(
        protocol: u32,
        sequence: u32,
        close_time: u64,
        previous: [u8; 32],
        state: [u8; 32],
        transactions: Vec<TxRecord>,
    ) -> Self {
        let set = transaction_set(previous, &transactions);
        let mut results = Vec::new();
        for tx in &transactions {
            results.extend_from_slice(&tx.hash);
            results.extend_from_slice(&tx.result);
        }
        let header = LedgerHeader {
            ledger_version: protocol,
            previous_ledger_hash: Hash(previous),
            scp_value: StellarValue {
                tx_set_hash: Hash(xdr::sha256(&xdr::bytes(&set))),
                close_time: TimePoint(close_time),
                upgrades: Default::default(),
                ext: StellarValueExt::Basic,
            },
            tx_set_result_hash: Hash(xdr::sha256(&results)),
            bucket_list_hash: Hash(state),
            ledger_seq: sequence,
            total_coins: TOTAL_COINS,
            fee_pool: 0,
            inflation_seq: 0,
            id_pool: 0,
            base_fee: BASE_FEE_STROOPS,
            base_reserve: crate::execute::host::BASE_RESERVE,
            max_tx_set_size: MAX_TX_SET_SIZE,
            skip_list: Default::default(),
            ext: LedgerHeaderExt::V0,
        };
        Self { sequence, hash: xdr::sha256(&xdr::bytes(&header)), close_time, header, transactions }
    }

    /// The header with its hash, as `headerXdr` carries it.
    pub(crate) fn header_entry(&self) -> LedgerHeaderHistoryEntry {
        LedgerHeaderHistoryEntry { hash: Hash(self.hash), header: self.header.clone(), ext: LedgerHeaderHistoryEntryExt::V0 }
    }

    /// The whole ledger, as `metadataXdr` carries it. Built when it is asked
    /// for: most ledgers never are.
    pub(crate) fn close_meta(&self) -> Result<LedgerCloseMeta, stellar_xdr::Error> {
        let mut processing = Vec::with_capacity(self.transactions.len());
        for tx in &self.transactions {
            processing.push(TransactionResultMetaV1 {
                ext: ExtensionPoint::V0,
                result: TransactionResultPair { transaction_hash: Hash(tx.hash), result: xdr::read(&tx.result)? },
                fee_processing: xdr::read(&tx.fee_changes)?,
                tx_apply_processing: xdr::read(&tx.meta)?,
                post_tx_apply_fee_processing: Default::default(),
            });
        }
        Ok(LedgerCloseMeta::V2(LedgerCloseMetaV2 {
            ext: LedgerCloseMetaExt::V1(LedgerCloseMetaExtV1 { ext: ExtensionPoint::V0, soroban_fee_write1_kb: WRITE_FEE_PER_KB }),
            ledger_header: self.header_entry(),
            tx_set: transaction_set(self.header.previous_ledger_hash.0, &self.transactions),
            tx_processing: processing.try_into()?,
            upgrades_processing: Default::default(),
            scp_info: Default::default(),
            total_byte_size_of_live_soroban_state: 0,
            evicted_keys: Default::default(),
        }))
    }
}

/// Two phases, as the protocol orders them: classic, then contracts.
fn transaction_set(previous: [u8; 32], transactions: &[TxRecord]) -> GeneralizedTransactionSet {
    let phase = |soroban: bool| {
        let txs: Vec<TransactionEnvelope> =
            transactions.iter().filter(|tx| tx.soroban == soroban).filter_map(|tx| xdr::read(&tx.envelope).ok()).collect();
        let component = TxSetComponent::TxsetCompTxsMaybeDiscountedFee(TxSetComponentTxsMaybeDiscountedFee {
            base_fee: Some(i64::from(BASE_FEE_STROOPS)),
            txs: txs.try_into().unwrap_or_default(),
        });
        TransactionPhase::V0(vec![component].try_into().unwrap_or_default())
    };
    GeneralizedTransactionSet::V1(TransactionSetV1 {
        previous_ledger_hash: Hash(previous),
        phases: vec![phase(false), phase(true)].try_into().unwrap_or_default(),
    })
}
