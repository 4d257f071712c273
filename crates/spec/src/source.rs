//! Sources beside a contract's storage entry and a transaction: balances, accounts, views.

use crate::{Argument, Carrier, Contract, Enumerate, KeyTemplate, Source};

/// What a holder has of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetBalance {
    /// Of which asset.
    pub asset: Asset,
    /// The argument that says who holds it: an account or a contract.
    pub holder: usize,
    /// The arguments that the rest refers to, by index.
    pub arguments: Vec<Argument>,
}

/// Which asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asset {
    /// The network's own.
    Native,
    /// Issued by an account.
    Issued {
        /// 1 to 12 letters and digits.
        code: String,
        /// The account's strkey (`G…`), checked.
        issuer: String,
    },
    /// Named by each row, as arguments. A row without an issuer, whose code is one of [`NATIVE_CODES`], means the
    /// network's own.
    Arguments {
        /// The argument that holds the code.
        code: usize,
        /// The argument that holds the issuer.
        issuer: usize,
    },
    /// Kept by a contract for accounts and contracts alike, under `[Balance, holder]`.
    Token {
        /// The contract.
        contract: Contract,
        /// How many decimals its amounts have.
        decimals: u32,
    },
}

/// What a row may call the network's own asset, where it has no issuer.
pub const NATIVE_CODES: [&str; 2] = ["native", "XLM"];

/// How many decimals amounts of classic assets have.
pub const ASSET_DECIMALS: u32 = 7;

/// The values of every balance, in this order: name, carrier.
///
/// Amounts are in units, with [`ASSET_DECIMALS`]. `limit` and the liabilities are NULL where the balance is not a
/// trustline's (or, but for the limit, an account's own); `authorized` and `clawback` where a token contract keeps
/// nothing of the sort.
pub const ASSET_BALANCE_VALUES: [(&str, Carrier); 6] = [
    ("balance", Carrier::Numeric),
    ("authorized", Carrier::Bool),
    ("clawback", Carrier::Bool),
    ("limit", Carrier::Numeric),
    ("buying_liabilities", Carrier::Numeric),
    ("selling_liabilities", Carrier::Numeric),
];

/// An account's own entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// One argument: the account.
    pub arguments: [Argument; 1],
}

/// The values of every account, in this order: name, carrier.
///
/// `balance` and the liabilities are in lumens; `flags` is the protocol's bit field; `home_domain` is NULL where none is
/// set; `signers` is a list of `{"key", "weight"}` without the account's own key, whose weight is `master_weight`;
/// `last_modified` is the ledger that changed the entry last.
pub const ACCOUNT_VALUES: [(&str, Carrier); 15] = [
    ("balance", Carrier::Numeric),
    ("sequence", Carrier::Numeric),
    ("subentries", Carrier::Numeric),
    ("flags", Carrier::Numeric),
    ("home_domain", Carrier::Text),
    ("master_weight", Carrier::Numeric),
    ("low_threshold", Carrier::Numeric),
    ("medium_threshold", Carrier::Numeric),
    ("high_threshold", Carrier::Numeric),
    ("buying_liabilities", Carrier::Numeric),
    ("selling_liabilities", Carrier::Numeric),
    ("sponsored", Carrier::Numeric),
    ("sponsoring", Carrier::Numeric),
    ("signers", Carrier::Jsonb),
    ("last_modified", Carrier::Numeric),
];

/// State that a contract computes, by a function that changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The contract.
    pub contract: Contract,
    /// The function's name.
    pub function: String,
    /// What it is called with.
    pub parameters: Vec<KeyTemplate>,
    /// The arguments that the parameters refer to, by index.
    pub arguments: Vec<Argument>,
}

// === impl Source ===

impl Source {
    /// What is computed from a row to find its place on chain, in the order that the source refers to.
    #[must_use]
    pub fn arguments(&self) -> &[Argument] {
        match self {
            Self::Soroban(soroban) => &soroban.arguments,
            Self::Transaction(_) => &[],
            Self::AssetBalance(balance) => &balance.arguments,
            Self::Account(account) => &account.arguments,
            Self::View(view) => &view.arguments,
        }
    }

    /// The one contract that the source reads, or where a row names it; none where it reads none, or one that
    /// follows from something else.
    #[must_use]
    pub const fn contract(&self) -> Option<&Contract> {
        match self {
            Self::Soroban(soroban) => Some(&soroban.contract),
            Self::AssetBalance(AssetBalance { asset: Asset::Token { contract, .. }, .. }) => Some(contract),
            Self::View(view) => Some(&view.contract),
            Self::Transaction(_) | Self::AssetBalance(_) | Self::Account(_) => None,
        }
    }

    /// Which keys exist on chain, where the source can say.
    #[must_use]
    pub const fn enumerate(&self) -> Option<&Enumerate> {
        match self {
            Self::Soroban(soroban) => soroban.enumerate.as_ref(),
            Self::Transaction(_) | Self::AssetBalance(_) | Self::Account(_) | Self::View(_) => None,
        }
    }
}
