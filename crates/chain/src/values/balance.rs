use stellar_xdr::{AccountEntry, AccountEntryExt, LedgerEntryData, Liabilities, ScVal, TrustLineEntry, TrustLineEntryExt, TrustLineFlags};
use trueup_spec::{ASSET_DECIMALS, Carrier, Path, Segment};

use super::decode::decode;
use super::entry::entry_value;
use super::error::DecodeError;
use super::integer::scaled;

/// What a holder has, as the texts of [`ASSET_BALANCE_VALUES`](trueup_spec::ASSET_BALANCE_VALUES), from the entry that
/// holds it: an account's own, a trustline, or a balance within a contract. `decimals` is of a contract's amounts;
/// those of the classic ledger have [`ASSET_DECIMALS`].
///
/// # Errors
/// The entry is of another sort, or a contract's balance of another shape: a bare integer, or a map with an integer
/// `amount`.
pub fn balance_values(data: &LedgerEntryData, decimals: u32) -> Result<Vec<Option<String>>, DecodeError> {
    match data {
        LedgerEntryData::Account(account) => Ok(own_balance(account)),
        LedgerEntryData::Trustline(line) => Ok(trustline(line)),
        LedgerEntryData::ContractData(_) => match entry_value(data) {
            Some(value) => of_contract(&value, decimals),
            None => Err(DecodeError::Entry { found: data.name() }),
        },
        other => Err(DecodeError::Entry { found: other.name() }),
    }
}

/// An account may always hold the network's own asset, and nobody can take it back.
fn own_balance(account: &AccountEntry) -> Vec<Option<String>> {
    let Liabilities { buying, selling } = liabilities(account);
    vec![Some(amount(account.balance)), flag(true), flag(false), None, Some(amount(buying)), Some(amount(selling))]
}

/// What an account owes by its offers in the network's own asset.
pub(super) const fn liabilities(account: &AccountEntry) -> Liabilities {
    match &account.ext {
        AccountEntryExt::V0 => Liabilities { buying: 0, selling: 0 },
        AccountEntryExt::V1(more) => Liabilities { buying: more.liabilities.buying, selling: more.liabilities.selling },
    }
}

fn trustline(line: &TrustLineEntry) -> Vec<Option<String>> {
    let has = |wanted: TrustLineFlags| line.flags & (wanted as i32).unsigned_abs() != 0;
    let (buying, selling) = match &line.ext {
        TrustLineEntryExt::V0 => (0, 0),
        TrustLineEntryExt::V1(more) => (more.liabilities.buying, more.liabilities.selling),
    };
    vec![
        Some(amount(line.balance)),
        flag(has(TrustLineFlags::AuthorizedFlag)),
        flag(has(TrustLineFlags::TrustlineClawbackEnabledFlag)),
        Some(amount(line.limit)),
        Some(amount(buying)),
        Some(amount(selling)),
    ]
}

fn of_contract(value: &ScVal, decimals: u32) -> Result<Vec<Option<String>>, DecodeError> {
    let part = |name: &str| Path(vec![Segment::Name(name.to_owned())]);
    let flag = |name| decode(value, &part(name), Carrier::Bool, 0, true);
    let (balance, authorized, clawback) = match value {
        ScVal::Map(_) => (part("amount"), flag("authorized")?, flag("clawback")?),
        _ => (Path::default(), None, None),
    };
    let balance = decode(value, &balance, Carrier::Numeric, decimals, false)?;
    Ok(vec![balance, authorized, clawback, None, None, None])
}

/// Base units as units.
pub(super) fn amount(base_units: i64) -> String {
    scaled(&base_units.to_string(), ASSET_DECIMALS)
}

fn flag(holds: bool) -> Option<String> {
    Some(holds.to_string())
}
