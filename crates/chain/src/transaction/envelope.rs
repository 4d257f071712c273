use sha2::{Digest, Sha256};
use stellar_xdr::{
    AccountId, FeeBumpTransactionInnerTx, LedgerKey, LedgerKeyAccount, MuxedAccount, Preconditions, PublicKey, SequenceNumber, TimeBounds,
    TransactionEnvelope, Uint256,
};
use thiserror::Error;
use trueup_judge::Terms;

/// How long an envelope's text may be. The network takes transactions of up to 132,096 bytes (`txMaxSizeBytes`), which
/// is 176,128 characters.
const ENVELOPE_CHARS_MAX: usize = 256 * 1024;

/// What an envelope says of its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionFacts {
    /// Its hash on the network, 64 lower-case hex digits; of a fee bump that of the outer transaction.
    pub hash: String,
    /// The hash of a fee bump's inner transaction, which may also land by itself or within another fee bump.
    pub inner_hash: Option<String>,
    /// The key of the account whose sequence number it spends.
    pub account: LedgerKey,
    /// On which terms the network takes it.
    pub terms: Terms,
}

/// Why an envelope cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// It is longer than any that the network takes.
    #[error("the envelope has {chars} characters, and no transaction has more than {ENVELOPE_CHARS_MAX}")]
    TooLong {
        /// Its length.
        chars: usize,
    },
    /// It is no envelope.
    #[error("the envelope cannot be read: {what}; the column must hold a `TransactionEnvelope` in base64")]
    Undecodable {
        /// What is wrong with it.
        what: String,
    },
}

// === impl TransactionFacts ===

impl TransactionFacts {
    /// Whether this hash is of the transaction, outer or inner.
    #[must_use]
    pub fn is_of(&self, hash: &str) -> bool {
        self.hash == hash || self.inner_hash.as_deref() == Some(hash)
    }

    /// Its other hash, beside this one.
    #[must_use]
    pub fn other_hash(&self, hash: &str) -> Option<&str> {
        let inner = self.inner_hash.as_deref()?;
        Some(if inner == hash { &self.hash } else { inner })
    }
}

/// Reads an envelope: base64 of a `TransactionEnvelope`; white space in it is ignored.
///
/// # Errors
/// It is too long, or no envelope.
pub fn transaction_facts(envelope: &str, network_passphrase: &str) -> Result<TransactionFacts, EnvelopeError> {
    if envelope.len() > ENVELOPE_CHARS_MAX {
        return Err(EnvelopeError::TooLong { chars: envelope.len() });
    }
    let text: String = envelope.chars().filter(|it| !it.is_ascii_whitespace()).collect();
    read(&text, network_passphrase).map_err(|what| EnvelopeError::Undecodable { what })
}

fn read(text: &str, network_passphrase: &str) -> Result<TransactionFacts, String> {
    let envelope: TransactionEnvelope = super::from_base64(text)?;
    let network = network_id(network_passphrase);
    let hash = |hash: Result<[u8; 32], stellar_xdr::Error>| hash.map(hex::encode).map_err(|error| error.to_string());
    let (inner_hash, account, terms) = match &envelope {
        TransactionEnvelope::TxV0(envelope) => {
            let bounds = envelope.tx.time_bounds.as_ref().map(|bounds| Bounds { time: Some(bounds), ..Bounds::default() });
            let key = AccountId(PublicKey::PublicKeyTypeEd25519(Uint256(envelope.tx.source_account_ed25519.0)));
            (None, key, terms(&envelope.tx.seq_num, &bounds.unwrap_or_default()))
        }
        TransactionEnvelope::Tx(envelope) => {
            (None, account(&envelope.tx.source_account), terms(&envelope.tx.seq_num, &bounds(&envelope.tx.cond)))
        }
        TransactionEnvelope::TxFeeBump(bump) => {
            let FeeBumpTransactionInnerTx::Tx(inner) = &bump.tx.inner_tx;
            let (tx, inner) = (&inner.tx, hash(inner.hash(network))?);
            (Some(inner), account(&tx.source_account), terms(&tx.seq_num, &bounds(&tx.cond)))
        }
    };
    let account = LedgerKey::Account(LedgerKeyAccount { account_id: account });
    Ok(TransactionFacts { hash: hash(envelope.hash(network))?, inner_hash, account, terms })
}

/// What distinguishes the hashes of a network.
fn network_id(passphrase: &str) -> [u8; 32] {
    Sha256::digest(passphrase.as_bytes()).into()
}

fn account(source: &MuxedAccount) -> AccountId {
    let key = match source {
        MuxedAccount::Ed25519(key) => key,
        MuxedAccount::MuxedEd25519(muxed) => &muxed.ed25519,
    };
    AccountId(PublicKey::PublicKeyTypeEd25519(key.clone()))
}

/// When a ledger may hold it.
#[derive(Default)]
struct Bounds<'a> {
    time: Option<&'a TimeBounds>,
    ledger: Option<(u32, u32)>,
}

fn bounds(conditions: &Preconditions) -> Bounds<'_> {
    match conditions {
        Preconditions::None => Bounds::default(),
        Preconditions::Time(time) => Bounds { time: Some(time), ..Bounds::default() },
        Preconditions::V2(conditions) => Bounds {
            time: conditions.time_bounds.as_ref(),
            ledger: conditions.ledger_bounds.as_ref().map(|bounds| (bounds.min_ledger, bounds.max_ledger)),
        },
    }
}

/// A bound of zero is none (`Stellar-transaction.x`).
fn terms(sequence: &SequenceNumber, bounds: &Bounds<'_>) -> Terms {
    let seconds = |seconds: u64| (seconds != 0).then(|| i64::try_from(seconds).unwrap_or(i64::MAX));
    let ledger = |ledger: u32| (ledger != 0).then_some(ledger);
    Terms {
        sequence: sequence.0,
        min_time: bounds.time.and_then(|time| seconds(time.min_time.0)),
        max_time: bounds.time.and_then(|time| seconds(time.max_time.0)),
        min_ledger: bounds.ledger.and_then(|(min, _)| ledger(min)),
        max_ledger: bounds.ledger.and_then(|(_, max)| ledger(max)),
    }
}
