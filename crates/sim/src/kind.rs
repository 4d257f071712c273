//! The kinds of the simulated deployment: which entry a row is about, and what its columns should then hold. Written
//! against the specs beside it, and apart from trueup's own code, so that one checks the other.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use chrono::DateTime;
use stellar_xdr::{LedgerKey, ScVal};
use trueup_devnet::{Deployed, scval};

use crate::entry::{amount, field, json, label, text, variant_field};

/// The columns of a row by name, as text; none: NULL.
pub(crate) type Columns = BTreeMap<&'static str, Option<String>>;

/// A sort of row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Loan,
    Mirror,
    Position,
    Score,
    Transaction,
    Request,
}

/// A column that trueup may write.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    /// The type in which it is compared.
    pub(crate) cast: &'static str,
    /// What of it comes from the chain: `{}` is the column.
    pub(crate) lens: &'static str,
}

const fn column(name: &'static str, cast: &'static str) -> Column {
    Column { name, cast, lens: "{}" }
}

const LOAN: &[Column] = &[
    column("wallet", "text"),
    column("amount", "numeric"),
    column("released", "numeric"),
    column("balance", "numeric"),
    column("status", "text"),
    column("due_at", "timestamptz"),
];
const MIRROR: &[Column] =
    &[column("state", "text"), column("amount", "numeric"), Column { name: "details", cast: "jsonb", lens: "({} -> 'schedule')" }];
const POSITION: &[Column] = &[
    column("shares", "numeric"),
    column("deposited", "numeric"),
    column("rewards", "numeric"),
    column("tier", "text"),
    column("boost_bps", "numeric"),
    column("locked_until", "timestamptz"),
];
const SCORE: &[Column] = &[column("score", "numeric"), column("loans_repaid", "numeric"), column("loans_defaulted", "numeric")];
const TRANSACTION: &[Column] = &[column("status", "text"), column("ledger", "numeric")];
const REQUEST: &[Column] = &[column("loan_id", "text"), column("status", "text")];

// === impl Kind ===

impl Kind {
    pub(crate) const ALL: [Self; 6] = [Self::Loan, Self::Mirror, Self::Position, Self::Score, Self::Transaction, Self::Request];

    /// Those whose rows the application scribbles over, deletes and invents. What becomes of a request is drawn when it
    /// is made, and is left so.
    pub(crate) const MISTREATED: [Self; 5] = [Self::Loan, Self::Mirror, Self::Position, Self::Score, Self::Transaction];

    /// As the specs name it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Loan => "loan",
            Self::Mirror => "mirror",
            Self::Position => "position",
            Self::Score => "score",
            Self::Transaction => "transaction",
            Self::Request => "request",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) const fn table(self) -> &'static str {
        match self {
            Self::Loan => "loans",
            Self::Mirror => "mirror",
            Self::Position => "positions",
            Self::Score => "scores",
            Self::Transaction => "transactions",
            Self::Request => "requests",
        }
    }

    /// The columns that trueup may write, and no others.
    pub(crate) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Loan => LOAN,
            Self::Mirror => MIRROR,
            Self::Position => POSITION,
            Self::Score => SCORE,
            Self::Transaction => TRANSACTION,
            Self::Request => REQUEST,
        }
    }

    pub(crate) fn column(self, name: &str) -> Option<&'static Column> {
        self.columns().iter().find(|column| column.name == name)
    }

    /// The columns that make the chain key.
    pub(crate) const fn key(self) -> &'static [&'static str] {
        match self {
            Self::Loan | Self::Request => &["loan_id"],
            Self::Mirror => &["contract", "loan_id"],
            Self::Position | Self::Score => &["wallet"],
            Self::Transaction => &["hash"],
        }
    }

    /// The entry that a chain key leads to.
    pub(crate) fn ledger_key(self, contracts: &Deployed, chain_key: &str) -> anyhow::Result<LedgerKey> {
        let loan = |contract: &str, id: &str| -> anyhow::Result<LedgerKey> {
            let id: u64 = id.parse().with_context(|| format!("loan `{id}`"))?;
            entry_key(contract, "Loan", [ScVal::U32(u32::try_from(id % 32)?), ScVal::U64(id)])
        };
        match self {
            Self::Loan | Self::Request => loan(&contracts.lending, chain_key),
            Self::Mirror => {
                let parts: Vec<String> = serde_json::from_str(chain_key).with_context(|| format!("the key `{chain_key}`"))?;
                let [contract, id] = parts.as_slice() else { bail!("the key `{chain_key}` has not two parts") };
                loan(contract, id)
            }
            Self::Position => entry_key(&contracts.pool, "Position", [scval::address(chain_key)?]),
            Self::Score => entry_key(&contracts.reputation, "Score", [scval::address(chain_key)?]),
            Self::Transaction => bail!("a transaction is no entry"),
        }
    }

    /// What the columns should hold if the chain holds this. A column whose label has no counterpart is left out.
    pub(crate) fn project(self, value: &ScVal) -> anyhow::Result<Columns> {
        let label_as = |name: &str, map: &[(&str, &str)]| -> anyhow::Result<Option<String>> {
            let found = label(field(value, name)?)?;
            Ok(map.iter().find(|(from, _)| *from == found).map(|(_, to)| (*to).to_owned()))
        };
        let mut columns = Columns::new();
        match self {
            Self::Loan => {
                let map = [("Pending", "pending"), ("Active", "active"), ("Paid", "completed"), ("Defaulted", "defaulted")];
                columns.insert("status", label_as("status", &map)?);
                columns.insert("wallet", Some(text(field(value, "borrower")?)?));
                columns.insert("amount", Some(amount(value, "total_amount")?));
                columns.insert("released", Some(amount(value, "released")?));
                columns.insert("balance", Some(amount(value, "remaining_balance")?));
                columns.insert("due_at", Some(instant(&text(field(value, "due_at")?)?)?));
            }
            Self::Mirror => {
                if let Some(state) = label_as("status", &[("Pending", "new"), ("Active", "open"), ("Paid", "closed")])? {
                    columns.insert("state", Some(state));
                }
                columns.insert("amount", Some(amount(value, "total_amount")?));
                let schedule = json(field(value, "schedule")?)?;
                columns.insert("details", Some(serde_json::json!({ "schedule": schedule }).to_string()));
            }
            Self::Position => {
                for name in ["shares", "deposited", "rewards"] {
                    columns.insert(name, Some(amount(value, name)?));
                }
                let tier = field(value, "tier")?;
                columns.insert("tier", Some(label(tier)?.to_lowercase()));
                columns.insert("boost_bps", variant_field(tier).map(text).transpose()?);
                let lock = field(value, "lock")?;
                columns.insert("locked_until", if *lock == ScVal::Void { None } else { Some(instant(&text(lock)?)?) });
            }
            Self::Score => {
                columns.insert("score", Some(text(field(value, "score")?)?));
                columns.insert("loans_repaid", Some(text(field(value, "repaid")?)?));
                columns.insert("loans_defaulted", Some(text(field(value, "defaulted")?)?));
            }
            Self::Transaction => bail!("a transaction is no entry"),
            Self::Request => bail!("nothing of a request but its key and status is written"),
        }
        Ok(columns)
    }

    /// What else the entry says that is compared and never written.
    pub(crate) fn level(value: &ScVal) -> anyhow::Result<String> {
        text(field(value, "level")?)
    }
}

/// What the columns of a transaction's row should hold.
pub(crate) fn transaction_columns(succeeded: bool, ledger: u32) -> Columns {
    let status = if succeeded { "success" } else { "failed" };
    Columns::from([("status", Some(status.to_owned())), ("ledger", Some(ledger.to_string()))])
}

/// What the columns of a transaction's row should hold that no ledger holds and none can any more.
pub(crate) fn ended_columns(status: &str) -> Columns {
    Columns::from([("status", Some(status.to_owned())), ("ledger", None)])
}

/// Seconds since 1970, as Postgres reads an instant.
pub(crate) fn instant(seconds: &str) -> anyhow::Result<String> {
    Ok(DateTime::from_timestamp(seconds.parse()?, 0).context("an instant")?.to_rfc3339())
}

fn entry_key<const N: usize>(contract: &str, name: &str, arguments: [ScVal; N]) -> anyhow::Result<LedgerKey> {
    let parts = std::iter::once(scval::symbol(name)?).chain(arguments).collect();
    Ok(scval::data_key(contract, scval::vec(parts)?)?)
}
