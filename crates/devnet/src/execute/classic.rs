//! The classic operations that an application of contracts needs beside them:
//! accounts, payments and trustlines. Others answer `opNotSupported`.

use crate::execute::account;
use crate::execute::host::BASE_RESERVE;
use crate::execute::overlay::Overlay;
use stellar_xdr::{
    AccountId, Asset, ChangeTrustAsset, ChangeTrustOp, ChangeTrustResult, CreateAccountOp, CreateAccountResult, LedgerEntryData, LedgerKey,
    LedgerKeyTrustLine, OperationBody, OperationResult, OperationResultTr, PaymentOp, PaymentResult, TrustLineAsset, TrustLineEntry,
    TrustLineEntryExt, TrustLineFlags,
};

/// Runs one operation; the flag says whether it succeeded.
pub(crate) fn apply(overlay: &mut Overlay, source: &AccountId, body: &OperationBody, ledger: u32) -> (OperationResult, bool) {
    match body {
        OperationBody::CreateAccount(op) => {
            let result = create_account(overlay, source, op, ledger);
            let ok = result == CreateAccountResult::Success;
            (inner(OperationResultTr::CreateAccount(result)), ok)
        }
        OperationBody::Payment(op) => {
            let result = payment(overlay, source, op);
            let ok = result == PaymentResult::Success;
            (inner(OperationResultTr::Payment(result)), ok)
        }
        OperationBody::ChangeTrust(op) => {
            let result = change_trust(overlay, source, op);
            let ok = result == ChangeTrustResult::Success;
            (inner(OperationResultTr::ChangeTrust(result)), ok)
        }
        _ => (OperationResult::OpNotSupported, false),
    }
}

fn inner(result: OperationResultTr) -> OperationResult {
    OperationResult::OpInner(result)
}

/// What an account may not spend.
fn reserve(sub_entries: u32) -> i64 {
    i64::from(BASE_RESERVE) * (2 + i64::from(sub_entries))
}

fn create_account(overlay: &mut Overlay, source: &AccountId, op: &CreateAccountOp, ledger: u32) -> CreateAccountResult {
    if op.starting_balance < 0 {
        return CreateAccountResult::Malformed;
    }
    if account::load(overlay, &op.destination).is_some() {
        return CreateAccountResult::AlreadyExist;
    }
    if op.starting_balance < reserve(0) {
        return CreateAccountResult::LowReserve;
    }
    let Some(mut payer) = account::load(overlay, source) else {
        return CreateAccountResult::Underfunded;
    };
    if payer.balance - reserve(payer.num_sub_entries) < op.starting_balance {
        return CreateAccountResult::Underfunded;
    }
    payer.balance -= op.starting_balance;
    account::store(overlay, payer);
    let created = account::create(op.destination.clone(), op.starting_balance, ledger);
    account::store(overlay, created);
    CreateAccountResult::Success
}

fn payment(overlay: &mut Overlay, source: &AccountId, op: &PaymentOp) -> PaymentResult {
    if op.amount <= 0 {
        return PaymentResult::Malformed;
    }
    let destination = account::of(&op.destination);
    if account::load(overlay, &destination).is_none() {
        return PaymentResult::NoDestination;
    }
    let Some((asset, issuer)) = trustline_asset(&op.asset) else {
        return native_payment(overlay, source, &destination, op.amount);
    };
    if *source != issuer {
        let Some(mut line) = trustline(overlay, source, &asset) else {
            return PaymentResult::SrcNoTrust;
        };
        if line.balance < op.amount {
            return PaymentResult::Underfunded;
        }
        line.balance -= op.amount;
        put_trustline(overlay, line);
    }
    if destination != issuer {
        let Some(mut line) = trustline(overlay, &destination, &asset) else {
            return PaymentResult::NoTrust;
        };
        if line.limit - line.balance < op.amount {
            return PaymentResult::LineFull;
        }
        line.balance += op.amount;
        put_trustline(overlay, line);
    }
    PaymentResult::Success
}

fn native_payment(overlay: &mut Overlay, source: &AccountId, destination: &AccountId, amount: i64) -> PaymentResult {
    let Some(mut payer) = account::load(overlay, source) else {
        return PaymentResult::Underfunded;
    };
    if payer.balance - reserve(payer.num_sub_entries) < amount {
        return PaymentResult::Underfunded;
    }
    payer.balance -= amount;
    account::store(overlay, payer);
    let Some(mut payee) = account::load(overlay, destination) else {
        return PaymentResult::NoDestination;
    };
    let Some(balance) = payee.balance.checked_add(amount) else {
        return PaymentResult::LineFull;
    };
    payee.balance = balance;
    account::store(overlay, payee);
    PaymentResult::Success
}

fn change_trust(overlay: &mut Overlay, source: &AccountId, op: &ChangeTrustOp) -> ChangeTrustResult {
    let asset = match &op.line {
        ChangeTrustAsset::CreditAlphanum4(asset) => Asset::CreditAlphanum4(asset.clone()),
        ChangeTrustAsset::CreditAlphanum12(asset) => Asset::CreditAlphanum12(asset.clone()),
        ChangeTrustAsset::Native | ChangeTrustAsset::PoolShare(_) => {
            return ChangeTrustResult::Malformed;
        }
    };
    let Some((asset, issuer)) = trustline_asset(&asset) else {
        return ChangeTrustResult::Malformed;
    };
    if issuer == *source {
        return ChangeTrustResult::SelfNotAllowed;
    }
    let Some(mut owner) = account::load(overlay, source) else {
        return ChangeTrustResult::LowReserve;
    };
    match trustline(overlay, source, &asset) {
        Some(line) if op.limit == 0 => {
            if line.balance != 0 {
                return ChangeTrustResult::InvalidLimit;
            }
            overlay.set(trustline_key(source, &asset), None);
            owner.num_sub_entries = owner.num_sub_entries.saturating_sub(1);
            account::store(overlay, owner);
        }
        Some(mut line) => {
            if op.limit < line.balance {
                return ChangeTrustResult::InvalidLimit;
            }
            line.limit = op.limit;
            put_trustline(overlay, line);
        }
        None if op.limit <= 0 => return ChangeTrustResult::TrustLineMissing,
        None => {
            if account::load(overlay, &issuer).is_none() {
                return ChangeTrustResult::NoIssuer;
            }
            if owner.balance < reserve(owner.num_sub_entries + 1) {
                return ChangeTrustResult::LowReserve;
            }
            owner.num_sub_entries += 1;
            account::store(overlay, owner);
            put_trustline(
                overlay,
                TrustLineEntry {
                    account_id: source.clone(),
                    asset,
                    balance: 0,
                    limit: op.limit,
                    flags: TrustLineFlags::AuthorizedFlag as u32,
                    ext: TrustLineEntryExt::V0,
                },
            );
        }
    }
    ChangeTrustResult::Success
}

/// The asset and its issuer, unless it is native.
fn trustline_asset(asset: &Asset) -> Option<(TrustLineAsset, AccountId)> {
    match asset {
        Asset::Native => None,
        Asset::CreditAlphanum4(a) => Some((TrustLineAsset::CreditAlphanum4(a.clone()), a.issuer.clone())),
        Asset::CreditAlphanum12(a) => Some((TrustLineAsset::CreditAlphanum12(a.clone()), a.issuer.clone())),
    }
}

fn trustline_key(owner: &AccountId, asset: &TrustLineAsset) -> LedgerKey {
    LedgerKey::Trustline(LedgerKeyTrustLine { account_id: owner.clone(), asset: asset.clone() })
}

fn trustline(overlay: &Overlay, owner: &AccountId, asset: &TrustLineAsset) -> Option<TrustLineEntry> {
    match overlay.get(&trustline_key(owner, asset)) {
        Some((LedgerEntryData::Trustline(line), _)) => Some(line),
        _ => None,
    }
}

fn put_trustline(overlay: &mut Overlay, line: TrustLineEntry) {
    let key = trustline_key(&line.account_id, &line.asset);
    overlay.put(key, LedgerEntryData::Trustline(line), None);
}
