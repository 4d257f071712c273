use stellar_xdr::{AccountId, LedgerKey, LedgerKeyAccount, PublicKey, ScAddress};

use super::error::KeyError;

/// Who holds something: an account or a contract, without what a muxed address says besides. `M…` is its `G…`, and the
/// muxed form of a contract its `C…`: the ledger knows no sub-accounts.
///
/// # Errors
/// The text is no address of an account or a contract.
pub fn holder(text: &str) -> Result<ScAddress, KeyError> {
    let refused = || KeyError::argument("holder", text, "it must be an account (G…, M…) or a contract (C…)");
    match text.parse::<ScAddress>().map_err(|_| refused())? {
        ScAddress::MuxedAccount(muxed) => Ok(ScAddress::Account(AccountId(PublicKey::PublicKeyTypeEd25519(muxed.ed25519)))),
        ScAddress::MuxedContract(muxed) => Ok(ScAddress::Contract(muxed.contract_id)),
        plain @ (ScAddress::Account(_) | ScAddress::Contract(_)) => Ok(plain),
        ScAddress::ClaimableBalance(_) | ScAddress::LiquidityPool(_) => Err(refused()),
    }
}

/// The ledger key of an account's entry, from `G…` or `M…`.
///
/// # Errors
/// The text is no address of an account.
pub fn account_key(text: &str) -> Result<LedgerKey, KeyError> {
    match holder(text) {
        Ok(ScAddress::Account(account_id)) => Ok(key_of_account(account_id)),
        _ => Err(KeyError::argument("account", text, "it must be an account: G… or M…")),
    }
}

/// The ledger key of an account's entry.
pub(super) const fn key_of_account(account_id: AccountId) -> LedgerKey {
    LedgerKey::Account(LedgerKeyAccount { account_id })
}
