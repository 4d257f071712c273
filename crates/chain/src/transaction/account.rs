use stellar_xdr::{AccountEntry, AccountEntryExt, AccountEntryExtensionV1Ext, AccountEntryExtensionV2Ext, LedgerEntryData};
use trueup_judge::AccountSeen;

use crate::Reading;

/// The sequence number that a reading of an account's key says. None if it is a reading of something else.
#[must_use]
pub fn account_seen(reading: &Reading) -> Option<AccountSeen> {
    let ledger = reading.stamp.ledger;
    match reading.entry.as_ref().map(|entry| &entry.data) {
        None => Some(AccountSeen { sequence: None, since: None, ledger }),
        Some(LedgerEntryData::Account(account)) => {
            Some(AccountSeen { sequence: Some(account.seq_num.0), since: since(account).filter(|ledger| *ledger != 0), ledger })
        }
        Some(_) => None,
    }
}

/// The ledger in which the account got its number (`seqLedger`, CAP-21).
fn since(account: &AccountEntry) -> Option<u32> {
    let AccountEntryExt::V1(first) = &account.ext else { return None };
    let AccountEntryExtensionV1Ext::V2(second) = &first.ext else { return None };
    let AccountEntryExtensionV2Ext::V3(third) = &second.ext else { return None };
    Some(third.seq_ledger)
}
