//! Transactions of the devnet's own accounts: a call is run once, with its
//! authorizations recorded, and its envelope is signed with what was seen.

use crate::contracts::NativeHashes;
use crate::execute::check::BASE_FEE;
use crate::execute::footprint;
use crate::execute::host::{self, Authorization, Call, Outcome, Setting};
use crate::execute::overlay::Overlay;
use crate::keys::Keypair;
use stellar_xdr::{
    HostFunction, InvokeHostFunctionOp, Memo, Operation, OperationBody, Preconditions, ScAddress, SequenceNumber,
    SorobanAuthorizationEntry, SorobanCredentials, SorobanResources, SorobanTransactionData, TimeBounds, TimePoint, Transaction,
    TransactionEnvelope, TransactionExt, TransactionV1Envelope,
};

/// Resource fee, in stroops, that these transactions offer.
const RESOURCE_FEE: i64 = 100_000;

/// A signed transaction, and what running it came to.
pub(crate) struct Own {
    pub(crate) envelope: TransactionEnvelope,
    pub(crate) hash: [u8; 32],
    pub(crate) outcome: Outcome,
    /// An address beside the source that would have had to sign.
    pub(crate) stranger: Option<String>,
}

/// Runs a call over `overlay` and signs a transaction that makes it.
pub(crate) fn build(
    overlay: &Overlay,
    setting: &Setting,
    natives: &NativeHashes,
    source: &Keypair,
    sequence: i64,
    function: HostFunction,
    max_time: Option<u64>,
) -> Own {
    let call = Call {
        source: source.account_id(),
        function: function.clone(),
        authorization: Authorization::Record { allow_non_root: true, address_v2: false },
        diagnose: false,
        draw: sequence.unsigned_abs(),
    };
    let outcome = host::invoke(overlay, setting, natives, call);
    let stranger = stranger(&outcome.authorizations);
    let envelope = envelope(source, sequence, function, &outcome, setting.ledger, max_time);
    let hash = envelope.hash(setting.network_id).unwrap_or_default();
    Own { envelope: sign(envelope, source, &hash), hash, outcome, stranger }
}

/// The first address beside the source that would have had to sign.
fn stranger(authorizations: &[SorobanAuthorizationEntry]) -> Option<String> {
    authorizations.iter().find_map(|entry| match &entry.credentials {
        SorobanCredentials::SourceAccount => None,
        SorobanCredentials::Address(c) | SorobanCredentials::AddressV2(c) => Some(match &c.address {
            ScAddress::Account(id) => crate::address::account_id_strkey(id),
            ScAddress::Contract(id) => crate::address::contract_strkey(&id.0.0),
            other => other.name().to_owned(),
        }),
        other => Some(other.name().to_owned()),
    })
}

fn envelope(
    source: &Keypair,
    sequence: i64,
    function: HostFunction,
    outcome: &Outcome,
    ledger: u32,
    max_time: Option<u64>,
) -> TransactionEnvelope {
    let operation = Operation {
        source_account: None,
        body: OperationBody::InvokeHostFunction(InvokeHostFunctionOp {
            host_function: function,
            auth: outcome.authorizations.clone().try_into().unwrap_or_default(),
        }),
    };
    let tx = Transaction {
        source_account: source.muxed(),
        fee: u32::try_from(BASE_FEE + RESOURCE_FEE).unwrap_or(u32::MAX),
        seq_num: SequenceNumber(sequence),
        cond: max_time.map_or(Preconditions::None, |max_time| {
            Preconditions::Time(TimeBounds { min_time: TimePoint(0), max_time: TimePoint(max_time) })
        }),
        memo: Memo::None,
        operations: vec![operation].try_into().unwrap_or_default(),
        ext: TransactionExt::V1(SorobanTransactionData {
            ext: footprint::archived_ext(&outcome.touched, ledger),
            resources: SorobanResources {
                footprint: footprint::of(&outcome.touched, ledger),
                instructions: outcome.instructions,
                disk_read_bytes: 0,
                write_bytes: footprint::written_bytes(&outcome.touched),
            },
            resource_fee: RESOURCE_FEE,
        }),
    };
    TransactionEnvelope::Tx(TransactionV1Envelope { tx, signatures: Default::default() })
}

/// Puts the source's signature on an envelope.
pub(crate) fn sign(envelope: TransactionEnvelope, source: &Keypair, hash: &[u8; 32]) -> TransactionEnvelope {
    match envelope {
        TransactionEnvelope::Tx(mut envelope) => {
            envelope.signatures = vec![source.sign(hash)].try_into().unwrap_or_default();
            TransactionEnvelope::Tx(envelope)
        }
        other => other,
    }
}
