use serde_json::json;
use stellar_xdr::{AccountEntry, AccountEntryExt, AccountEntryExtensionV1Ext, LedgerEntryData};

use super::balance::{amount, liabilities};
use super::error::DecodeError;
use super::text::utf8;

/// An account, as the texts of [`ACCOUNT_VALUES`](trueup_spec::ACCOUNT_VALUES).
///
/// # Errors
/// The entry is no account's, or its home domain is no text.
pub fn account_values(data: &LedgerEntryData, last_modified: u32) -> Result<Vec<Option<String>>, DecodeError> {
    let LedgerEntryData::Account(account) = data else { return Err(DecodeError::Entry { found: data.name() }) };
    let home_domain = utf8(account.home_domain.as_slice())?;
    let [master, low, medium, high] = account.thresholds.0;
    let (sponsored, sponsoring) = sponsorships(account);
    let debts = liabilities(account);
    Ok(vec![
        Some(amount(account.balance)),
        Some(account.seq_num.0.to_string()),
        Some(account.num_sub_entries.to_string()),
        Some(account.flags.to_string()),
        Some(home_domain).filter(|domain| !domain.is_empty()),
        Some(master.to_string()),
        Some(low.to_string()),
        Some(medium.to_string()),
        Some(high.to_string()),
        Some(amount(debts.buying)),
        Some(amount(debts.selling)),
        Some(sponsored.to_string()),
        Some(sponsoring.to_string()),
        Some(signers(account)),
        Some(last_modified.to_string()),
    ])
}

/// How many entries others sponsor for the account, and it for others.
const fn sponsorships(account: &AccountEntry) -> (u32, u32) {
    match &account.ext {
        AccountEntryExt::V1(more) => match &more.ext {
            AccountEntryExtensionV1Ext::V2(more) => (more.num_sponsored, more.num_sponsoring),
            AccountEntryExtensionV1Ext::V0 => (0, 0),
        },
        AccountEntryExt::V0 => (0, 0),
    }
}

/// In the ledger's own order, which is that of the keys.
fn signers(account: &AccountEntry) -> String {
    let signer = |signer: &stellar_xdr::Signer| json!({ "key": signer.key.to_string(), "weight": signer.weight.to_string() });
    account.signers.iter().map(signer).collect::<serde_json::Value>().to_string()
}
