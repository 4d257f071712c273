//! The chain: closed ledgers, the state, and the transactions that wait.

use crate::config::Config;
use crate::contracts::{NativeContract, NativeHashes};
use crate::entries::{Entries, StoredEntry};
use crate::execute::host::{MAX_TTL, Setting};
use crate::execute::overlay::Overlay;
use crate::execute::run::{self, Submission};
use crate::execute::{account, check};
use crate::keys::Keypair;
use crate::ledger::{LedgerRecord, TxRecord};
use crate::xdr;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, RwLock};
use stellar_xdr::{
    AccountId, ContractCodeEntry, ContractCodeEntryExt, Hash, LedgerEntryData, ScVal, TransactionEnvelope, TransactionResultResult,
};

/// What the root account holds at first, in stroops.
const ROOT_BALANCE: i64 = 900_000_000_000_000_000;

/// A write that no transaction makes.
pub(crate) struct DirectWrite {
    pub(crate) key: Vec<u8>,
    pub(crate) entry: Option<StoredEntry>,
}

/// What became of one transaction when its ledger closed.
pub(crate) struct Included {
    pub(crate) hash: [u8; 32],
    pub(crate) ledger: u32,
    pub(crate) succeeded: bool,
    pub(crate) result_code: String,
    pub(crate) return_value: Option<ScVal>,
    pub(crate) error: Option<String>,
    pub(crate) needs_signature: Option<String>,
}

/// The answer to a submission.
pub(crate) enum Submitted {
    Pending,
    Duplicate,
    Refused(TransactionResultResult),
}

pub(crate) struct Chain {
    config: Config,
    network_id: [u8; 32],
    natives: NativeHashes,
    entries: Arc<RwLock<Entries>>,
    ledgers: VecDeque<LedgerRecord>,
    by_hash: HashMap<[u8; 32], (u32, usize)>,
    pending: Vec<Submission>,
    pending_hashes: HashSet<[u8; 32]>,
    /// The last sequence number of each account that waits.
    pending_sequences: HashMap<AccountId, i64>,
}

// === impl Chain ===

impl Chain {
    /// A chain with its root account and the code of the native contracts.
    pub(crate) fn new(config: Config, root: &Keypair) -> Self {
        let first = config.start_ledger;
        let mut entries = Entries::default();
        let account = account::create(root.account_id(), ROOT_BALANCE, 0);
        put(&mut entries, LedgerEntryData::Account(account), first, None);
        for contract in NativeContract::ALL {
            let code = LedgerEntryData::ContractCode(ContractCodeEntry {
                ext: ContractCodeEntryExt::V0,
                hash: Hash(contract.hash()),
                code: contract.code().try_into().unwrap_or_default(),
            });
            put(&mut entries, code, first, Some(first.saturating_add(MAX_TTL - 1)));
        }
        let network_id = xdr::sha256(config.network_passphrase.as_bytes());
        let genesis = LedgerRecord::close(config.protocol_version, first, config.start_close_time, network_id, [0; 32], Vec::new());
        Self {
            network_id,
            natives: NativeHashes::new(),
            entries: Arc::new(RwLock::new(entries)),
            ledgers: VecDeque::from([genesis]),
            by_hash: HashMap::new(),
            pending: Vec::new(),
            pending_hashes: HashSet::new(),
            pending_sequences: HashMap::new(),
            config,
        }
    }

    pub(crate) fn network_id(&self) -> [u8; 32] {
        self.network_id
    }

    pub(crate) fn natives(&self) -> &NativeHashes {
        &self.natives
    }

    pub(crate) fn entries(&self) -> &Arc<RwLock<Entries>> {
        &self.entries
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(crate) fn latest(&self) -> &LedgerRecord {
        // The genesis ledger is there from the start and pruning keeps one.
        &self.ledgers[self.ledgers.len() - 1]
    }

    pub(crate) fn oldest(&self) -> &LedgerRecord {
        &self.ledgers[0]
    }

    /// A ledger that is still kept.
    pub(crate) fn ledger(&self, sequence: u32) -> Option<&LedgerRecord> {
        let index = sequence.checked_sub(self.oldest().sequence)?;
        self.ledgers.get(index as usize)
    }

    /// A transaction that is still kept, with its ledger and its place there.
    pub(crate) fn transaction(&self, hash: &[u8; 32]) -> Option<(&LedgerRecord, usize)> {
        let (sequence, index) = self.by_hash.get(hash)?;
        Some((self.ledger(*sequence)?, *index))
    }

    /// The ledger that would close now.
    pub(crate) fn next_setting(&self) -> Setting {
        let latest = self.latest();
        Setting {
            protocol: self.config.protocol_version,
            ledger: latest.sequence + 1,
            close_time: latest.close_time + self.config.ledger_seconds,
            network_id: self.network_id,
        }
    }

    /// The state as the next transaction sees it.
    pub(crate) fn overlay(&self) -> Overlay {
        Overlay::new(self.entries.clone(), self.latest().sequence + 1)
    }

    /// The sequence number that the account's next transaction must carry.
    pub(crate) fn next_sequence(&self, id: &AccountId) -> Option<i64> {
        if let Some(waiting) = self.pending_sequences.get(id) {
            return Some(waiting + 1);
        }
        account::load(&self.overlay(), id).map(|account| account.seq_num.0 + 1)
    }

    /// Queues a signed transaction, if it may enter a ledger.
    pub(crate) fn submit(&mut self, envelope: TransactionEnvelope, hash: [u8; 32]) -> Submitted {
        if self.pending_hashes.contains(&hash) {
            return Submitted::Duplicate;
        }
        let sequence = check::inner(&envelope).and_then(|inner| self.next_sequence(&account::of(&inner.tx.source_account)));
        let checked = check::check(&envelope, &self.overlay(), &self.next_setting(), sequence);
        if let Err(result) = checked {
            return Submitted::Refused(result);
        }
        self.pending_hashes.insert(hash);
        self.enqueue(Submission::Signed { envelope: Box::new(envelope), hash });
        Submitted::Pending
    }

    /// Queues a transaction that needs no check.
    pub(crate) fn enqueue(&mut self, submission: Submission) {
        if let Some((source, sequence)) = submission.source() {
            self.pending_sequences.insert(source, sequence);
        }
        self.pending.push(submission);
    }

    /// Closes a ledger with what waits, and with `direct` writes after it.
    pub(crate) fn close(&mut self, direct: Vec<DirectWrite>) -> Vec<Included> {
        let setting = self.next_setting();
        let mut digest = self.latest().hash.to_vec();
        let mut records = Vec::with_capacity(self.pending.len());
        let mut included = Vec::with_capacity(self.pending.len());
        self.pending_hashes.clear();
        self.pending_sequences.clear();
        for submission in std::mem::take(&mut self.pending) {
            let applied = run::apply(self.entries.clone(), &setting, &self.natives, submission);
            let record = TxRecord::new(&applied);
            digest.extend_from_slice(&xdr::sha256(&record.meta));
            for hash in [Some(record.hash), record.inner_hash].into_iter().flatten() {
                self.by_hash.insert(hash, (setting.ledger, records.len()));
            }
            records.push(record);
            included.push(Included {
                hash: applied.hash,
                ledger: setting.ledger,
                succeeded: applied.succeeded,
                result_code: check::code(&applied.result.result),
                return_value: applied.return_value,
                error: applied.error,
                needs_signature: applied.needs_signature,
            });
        }
        {
            let mut entries = self.entries.write().unwrap_or_else(|e| e.into_inner());
            for write in direct {
                digest.extend_from_slice(&write.key);
                if let Some(entry) = &write.entry {
                    digest.extend_from_slice(&entry.data);
                }
                entries.write(setting.ledger, &write.key, write.entry);
            }
        }
        let record =
            LedgerRecord::close(setting.protocol, setting.ledger, setting.close_time, self.latest().hash, xdr::sha256(&digest), records);
        self.ledgers.push_back(record);
        self.prune();
        included
    }

    /// Continues at `sequence` without the ledgers before it, as a node does
    /// that starts from a snapshot.
    pub(crate) fn jump_to(&mut self, sequence: u32) {
        let latest = self.latest();
        let record = LedgerRecord::close(
            self.config.protocol_version,
            sequence,
            latest.close_time + self.config.ledger_seconds,
            latest.hash,
            latest.hash,
            Vec::new(),
        );
        self.ledgers = VecDeque::from([record]);
        self.by_hash.clear();
        self.entries.write().unwrap_or_else(|e| e.into_inner()).forget_history();
    }

    fn prune(&mut self) {
        let keep = self.config.retention_ledgers.max(1) as usize;
        while self.ledgers.len() > keep {
            if let Some(ledger) = self.ledgers.pop_front() {
                for tx in ledger.transactions {
                    for hash in [Some(tx.hash), tx.inner_hash].into_iter().flatten() {
                        self.by_hash.remove(&hash);
                    }
                }
            }
        }
    }
}

fn put(entries: &mut Entries, data: LedgerEntryData, ledger: u32, live_until: Option<u32>) {
    let key = xdr::bytes(&data.to_key());
    entries.load(&key, StoredEntry::new(&data, ledger, live_until));
}
