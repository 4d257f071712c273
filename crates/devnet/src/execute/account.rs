//! Account entries: their keys, how one is made, who may sign for it.

use crate::execute::overlay::Overlay;
use ed25519_dalek::{Signature, VerifyingKey};
use stellar_xdr::{
    AccountEntry, AccountEntryExt, AccountId, DecoratedSignature, LedgerEntryData, LedgerKey, LedgerKeyAccount, MuxedAccount, PublicKey,
    SequenceNumber, SignerKey, Thresholds, Uint256,
};

/// Stroops in one lumen.
pub(crate) const STROOPS: i64 = 10_000_000;

pub(crate) fn key(id: &AccountId) -> LedgerKey {
    LedgerKey::Account(LedgerKeyAccount { account_id: id.clone() })
}

/// The account behind a possibly muxed address.
pub(crate) fn of(muxed: &MuxedAccount) -> AccountId {
    let bytes = match muxed {
        MuxedAccount::Ed25519(bytes) => bytes.clone(),
        MuxedAccount::MuxedEd25519(muxed) => muxed.ed25519.clone(),
    };
    AccountId(PublicKey::PublicKeyTypeEd25519(bytes))
}

/// A new account, whose first sequence number derives from the ledger that
/// creates it, as the protocol has it.
pub(crate) fn create(id: AccountId, balance: i64, ledger: u32) -> AccountEntry {
    AccountEntry {
        account_id: id,
        balance,
        seq_num: SequenceNumber(i64::from(ledger) << 32),
        num_sub_entries: 0,
        inflation_dest: None,
        flags: 0,
        home_domain: Default::default(),
        thresholds: Thresholds([1, 0, 0, 0]),
        signers: Default::default(),
        ext: AccountEntryExt::V0,
    }
}

/// The account entry as it is with the changes so far.
pub(crate) fn load(overlay: &Overlay, id: &AccountId) -> Option<AccountEntry> {
    match overlay.get(&key(id)) {
        Some((LedgerEntryData::Account(account), _)) => Some(account),
        _ => None,
    }
}

pub(crate) fn store(overlay: &mut Overlay, account: AccountEntry) {
    let key = key(&account.account_id);
    overlay.put(key, LedgerEntryData::Account(account), None);
}

/// Marks in `used` the signatures that speak for the account and says whether
/// their weights reach its medium threshold.
pub(crate) fn authorized(account: &AccountEntry, hash: &[u8; 32], signatures: &[DecoratedSignature], used: &mut [bool]) -> bool {
    let Thresholds([master, _, medium, _]) = account.thresholds;
    let mut signers = vec![(*crate::address::account_bytes(&account.account_id), u32::from(master))];
    for signer in account.signers.iter() {
        if let SignerKey::Ed25519(Uint256(bytes)) = &signer.key {
            signers.push((*bytes, signer.weight));
        }
    }
    let mut weight = 0;
    for (public, its_weight) in signers {
        let signed = signatures.iter().zip(used.iter_mut()).any(|(sig, used)| {
            let valid = sig.hint.0 == public[28..] && verifies(&public, hash, &sig.signature.0);
            *used |= valid;
            valid
        });
        if signed {
            weight += its_weight;
        }
    }
    weight >= u32::from(medium).max(1)
}

fn verifies(public: &[u8; 32], hash: &[u8; 32], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(public), Signature::from_slice(signature)) else {
        return false;
    };
    key.verify_strict(hash, &signature).is_ok()
}
