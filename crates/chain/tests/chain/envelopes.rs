//! Envelopes: their hashes, whose sequence number they spend, and until when they hold.

use proptest::prelude::*;
use stellar_xdr::{
    AccountId, FeeBumpTransaction, FeeBumpTransactionEnvelope, FeeBumpTransactionExt, FeeBumpTransactionInnerTx, LedgerBounds, LedgerKey,
    LedgerKeyAccount, Limits, Memo, MuxedAccount, MuxedAccountMed25519, Preconditions, PreconditionsV2, PublicKey, SequenceNumber,
    TimeBounds, TimePoint, Transaction, TransactionEnvelope, TransactionExt, TransactionV0, TransactionV0Envelope, TransactionV1Envelope,
    Uint256, WriteXdr,
};
use trueup_chain::{EnvelopeError, transaction_facts};
use trueup_judge::Terms;

use crate::double::PASSPHRASE;
use crate::fixtures::rows;

const TESTNET: &str = "Test SDF Network ; September 2015";
const STANDALONE: &str = "Standalone Network ; February 2017";

/// A transaction of account `[account; 32]`.
pub fn transaction(account: u8, sequence: i64, cond: Preconditions) -> Transaction {
    Transaction {
        source_account: MuxedAccount::Ed25519(Uint256([account; 32])),
        fee: 100,
        seq_num: SequenceNumber(sequence),
        cond,
        memo: Memo::None,
        operations: Default::default(),
        ext: TransactionExt::V0,
    }
}

pub fn plain(tx: Transaction) -> TransactionEnvelope {
    TransactionEnvelope::Tx(TransactionV1Envelope { tx, signatures: Default::default() })
}

/// The same transaction in a fee bump that account `[payer; 32]` pays for.
pub fn bumped(tx: Transaction, payer: u8) -> TransactionEnvelope {
    TransactionEnvelope::TxFeeBump(FeeBumpTransactionEnvelope {
        tx: FeeBumpTransaction {
            fee_source: MuxedAccount::Ed25519(Uint256([payer; 32])),
            fee: 400,
            inner_tx: FeeBumpTransactionInnerTx::Tx(TransactionV1Envelope { tx, signatures: Default::default() }),
            ext: FeeBumpTransactionExt::V0,
        },
        signatures: Default::default(),
    })
}

pub fn base64(envelope: &TransactionEnvelope) -> String {
    envelope.to_xdr_base64(Limits::none()).expect("an envelope encodes")
}

fn account(id: u8) -> LedgerKey {
    let account_id = AccountId(PublicKey::PublicKeyTypeEd25519(Uint256([id; 32])));
    LedgerKey::Account(LedgerKeyAccount { account_id })
}

fn times(min_time: u64, max_time: u64) -> TimeBounds {
    TimeBounds { min_time: TimePoint(min_time), max_time: TimePoint(max_time) }
}

fn terms(sequence: i64) -> Terms {
    Terms { sequence, min_time: None, max_time: None, min_ledger: None, max_ledger: None }
}

#[test]
fn recorded_envelopes_have_the_hashes_under_which_their_networks_know_them() {
    for row in rows("tx_meta_soroban.jsonl") {
        let (Some(envelope), Some(hash)) = (row["envelopeXdr"].as_str(), row["txHash"].as_str()) else { continue };
        let network = if row["network"] == "testnet" { TESTNET } else { STANDALONE };
        let facts = transaction_facts(envelope, network).expect("a recorded envelope");
        assert!(facts.is_of(hash), "{hash} is not {}", facts.hash);
        assert!(!transaction_facts(envelope, PASSPHRASE).expect("the same envelope").is_of(hash), "elsewhere it is another transaction");
    }
}

#[test]
fn the_terms_are_read_from_whatever_form_they_are_written_in() {
    let v2 = |ledger_bounds| {
        Preconditions::V2(PreconditionsV2 {
            time_bounds: Some(times(5, 9)),
            ledger_bounds,
            min_seq_num: Some(SequenceNumber(1)),
            min_seq_age: stellar_xdr::Duration(60),
            min_seq_ledger_gap: 3,
            extra_signers: Default::default(),
        })
    };
    let both = Terms { min_time: Some(5), max_time: Some(9), ..terms(7) };
    let cases = [
        (Preconditions::None, terms(7)),
        (Preconditions::Time(times(0, 0)), terms(7)),
        (Preconditions::Time(times(5, 9)), both),
        (Preconditions::Time(times(0, u64::MAX)), Terms { max_time: Some(i64::MAX), ..terms(7) }),
        (v2(None), both),
        (v2(Some(LedgerBounds { min_ledger: 0, max_ledger: 0 })), both),
        (v2(Some(LedgerBounds { min_ledger: 3, max_ledger: 4 })), Terms { min_ledger: Some(3), max_ledger: Some(4), ..both }),
    ];
    for (cond, expected) in cases {
        let tx = transaction(1, 7, cond);
        for envelope in [plain(tx.clone()), bumped(tx, 2)] {
            let facts = transaction_facts(&base64(&envelope), PASSPHRASE).expect("an envelope");
            assert_eq!((facts.terms, facts.account), (expected, account(1)));
        }
    }
}

#[test]
fn a_fee_bump_has_two_hashes_and_spends_the_number_of_the_account_within() {
    let tx = transaction(1, 7, Preconditions::None);
    let inner = transaction_facts(&base64(&plain(tx.clone())), PASSPHRASE).expect("an envelope");
    let outer = transaction_facts(&base64(&bumped(tx, 2)), PASSPHRASE).expect("an envelope");
    assert_eq!((inner.inner_hash.as_ref(), outer.inner_hash.as_ref()), (None, Some(&inner.hash)));
    assert!(outer.is_of(&outer.hash) && outer.is_of(&inner.hash) && !inner.is_of(&outer.hash));
    assert_eq!((outer.other_hash(&outer.hash), outer.other_hash(&inner.hash)), (Some(inner.hash.as_str()), Some(outer.hash.as_str())));
    assert_eq!((inner.other_hash(&inner.hash), outer.account), (None, account(1)));
}

#[test]
fn muxed_accounts_and_the_oldest_form_name_the_account_beneath() {
    let muxed = MuxedAccount::MuxedEd25519(MuxedAccountMed25519 { id: 9, ed25519: Uint256([1; 32]) });
    let tx = Transaction { source_account: muxed, ..transaction(1, 7, Preconditions::None) };
    assert_eq!(transaction_facts(&base64(&plain(tx)), PASSPHRASE).expect("an envelope").account, account(1));
    let current = plain(transaction(1, 7, Preconditions::Time(times(5, 9))));
    let oldest = TransactionEnvelope::TxV0(TransactionV0Envelope {
        tx: TransactionV0 {
            source_account_ed25519: Uint256([1; 32]),
            fee: 100,
            seq_num: SequenceNumber(7),
            time_bounds: Some(times(5, 9)),
            memo: Memo::None,
            operations: Default::default(),
            ext: stellar_xdr::TransactionV0Ext::V0,
        },
        signatures: Default::default(),
    });
    let facts = |envelope| transaction_facts(&base64(&envelope), PASSPHRASE).expect("an envelope");
    assert_eq!(facts(oldest), facts(current), "they are one transaction");
}

#[test]
fn base64_may_be_broken_into_lines() {
    let envelope = base64(&plain(transaction(1, 7, Preconditions::None)));
    let lines = envelope.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\n");
    assert_eq!(transaction_facts(&lines, PASSPHRASE), transaction_facts(&envelope, PASSPHRASE));
}

#[test]
fn what_is_no_envelope_is_refused_with_the_reason() {
    let whole = base64(&plain(transaction(1, 7, Preconditions::None)));
    for text in ["", "pending", "AAAA", "AAAAAgAA", &whole[..whole.len() - 4], &format!("{whole}AAAA")] {
        let error = transaction_facts(text, PASSPHRASE).expect_err("no envelope");
        assert!(matches!(error, EnvelopeError::Undecodable { .. }), "{error}");
    }
    let long = "A".repeat(256 * 1024 + 4);
    assert_eq!(transaction_facts(&long, PASSPHRASE), Err(EnvelopeError::TooLong { chars: long.len() }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        use base64::Engine;
        let _ = transaction_facts(&text, PASSPHRASE);
        let _ = transaction_facts(&base64::engine::general_purpose::STANDARD.encode(bytes), PASSPHRASE);
    }
}
