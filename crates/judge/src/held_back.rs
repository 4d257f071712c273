//! Why nothing of a kind, or of a contract, is repaired although a plan is confirmed.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Guarded, LimitedBy};

/// What stands in the way of repairs that would else be made. As text: what is wrong, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum HeldBack {
    /// More plans would write than the spec's `[guard]` allows.
    Guard(Guarded),
    /// A contract runs other code than what was accepted.
    ChangedContract {
        /// The contract (`C…`).
        contract: String,
        /// What was accepted: a Wasm hash in hex, or `stellar_asset`.
        accepted: String,
        /// What the chain shows.
        seen: String,
    },
    /// The network runs a protocol that this version cannot know.
    UnsupportedProtocol {
        /// The network's.
        protocol: u32,
        /// The newest that is known here.
        supported: u32,
    },
    /// The endpoint belongs to another network than the one that was connected to.
    WrongNetwork {
        /// The passphrase that it gave when it was connected to.
        expected: String,
        /// The one that it gives now.
        found: String,
    },
    /// Nobody said which network and protocol it is when that was to be known.
    Unchecked {
        /// What came instead of an answer.
        what: String,
    },
    /// The contract's instance did not come in the same answer as the entry.
    NoInstance,
}

impl HeldBack {
    /// Whether it casts doubt on what was read, and not only on what would be written.
    #[must_use]
    pub const fn concerns_reading(&self) -> bool {
        match self {
            Self::ChangedContract { .. } | Self::UnsupportedProtocol { .. } | Self::WrongNetwork { .. } | Self::NoInstance => true,
            Self::Guard(_) | Self::Unchecked { .. } => false,
        }
    }
}

impl fmt::Display for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guard(guarded) => {
                let Guarded { entities, plans, allowed, limited_by, window_secs } = guarded;
                let limit = match limited_by {
                    LimitedBy::Share => "max_share",
                    LimitedBy::Count => "max_count",
                };
                if let Some(window) = window_secs {
                    return write!(
                        f,
                        "the guard held: touches of the last {window} s would write {plans} of {entities} entities, and {limit} of the spec's \
                         [guard] allows {allowed}. The next sweep looks at them too; if they are right, start one with \
                         --override-guard --reason '…', or widen [guard]"
                    );
                }
                write!(
                    f,
                    "the guard held: {plans} of {entities} entities would be written, and {limit} of the spec's [guard] allows {allowed}. \
                     If they are right, run again with --override-guard --reason '…', or widen [guard]"
                )
            }
            Self::ChangedContract { contract, accepted, seen } => write!(
                f,
                "contract {contract} runs {seen}, and {accepted} was accepted. \
                 If the new code keeps its entries in the same form, `trueup accept {contract} --wasm {seen} --reason '…'`"
            ),
            Self::UnsupportedProtocol { protocol, supported } => write!(
                f,
                "the network runs protocol {protocol}, and this version knows protocols up to {supported}: update trueup before anything is repaired"
            ),
            Self::WrongNetwork { expected, found } => {
                write!(f, "the endpoint was of the network `{expected}` and is now of `{found}`: correct its URL")
            }
            Self::Unchecked { what } => {
                write!(f, "the network could not be checked before the first write: {what}. The next run tries again")
            }
            Self::NoInstance => f.write_str("the contract's instance did not come with the entry"),
        }
    }
}
