use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ParseNameError;

/// The outcome for one entity. Its text form, `verdict` or `verdict:reason`, is the outcome of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Row and chain agree, or a transaction is still in flight.
    InSync,
    /// They differ, proved by two reads of both sides.
    Drifted,
    /// They differ, or did, and something is still moving.
    Settling(SettlingReason),
    /// There is nothing to compare.
    Skipped(SkipReason),
    /// The chain gave no usable answer. Never drift, never a repair.
    Unknown(UnknownReason),
    /// The job failed for good; its error says why.
    Failed,
}

/// What is still moving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SettlingReason {
    /// The row changed less than the spec's grace ago.
    RecentlyChanged,
    /// The two reads of the chain or of the row were not the same.
    Moving,
    /// Someone else changed the row between the second read and the write.
    Superseded,
}

/// Why there is nothing to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SkipReason {
    /// A column that the chain key needs is NULL: no wallet, no hash.
    NoKey,
    /// The row is gone, or has left the spec's `where`, since it was enqueued.
    NoRow,
    /// A key that was enumerated on chain has a row by now.
    RowAppeared,
    /// A key that was enumerated has no entry on chain, and no row either.
    NotOnChain,
    /// A row that waits for its real key has this one: the row's drift is the entity's.
    Claimed,
    /// The transaction that should have created the row's entity failed or expired, and the row says so.
    CreationFailed,
    /// The holder issues the asset, and holds no balance of it.
    Issuer,
}

/// Why the chain's answer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UnknownReason {
    /// The entry is temporary and absent: expired or never there.
    TemporaryAbsent,
    /// The contract's instance did not come in the same answer: wrong contract, wrong network or a broken node.
    NoInstance,
    /// The entry does not have the shape that the spec reads.
    Undecodable,
    /// Entries that belong together were shown as of different ledgers.
    Inconsistent,
    /// The transaction is older than what the endpoint keeps.
    Pruned,
    /// The answer is older than what was already applied to this entity.
    BehindFloor,
    /// The view did not return: the contract refused or trapped, or there is no such function.
    ViewFailed,
    /// The function changes state or wants an authorization, so that it is no view.
    NotAView,
    /// The view reads entries that are archived.
    Archived,
}

impl Verdict {
    /// The verdict without its reason.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Drifted => "drifted",
            Self::Settling(_) => "settling",
            Self::Skipped(_) => "skipped",
            Self::Unknown(_) => "unknown",
            Self::Failed => "failed",
        }
    }

    /// The reason, where the verdict has one.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::InSync | Self::Drifted | Self::Failed => None,
            Self::Settling(SettlingReason::RecentlyChanged) => Some("recently_changed"),
            Self::Settling(SettlingReason::Moving) => Some("moving"),
            Self::Settling(SettlingReason::Superseded) => Some("superseded"),
            Self::Skipped(SkipReason::NoKey) => Some("no_key"),
            Self::Skipped(SkipReason::NoRow) => Some("no_row"),
            Self::Skipped(SkipReason::RowAppeared) => Some("row_appeared"),
            Self::Skipped(SkipReason::NotOnChain) => Some("not_on_chain"),
            Self::Skipped(SkipReason::Claimed) => Some("claimed"),
            Self::Skipped(SkipReason::CreationFailed) => Some("creation_failed"),
            Self::Skipped(SkipReason::Issuer) => Some("issuer"),
            Self::Unknown(UnknownReason::TemporaryAbsent) => Some("temporary_absent"),
            Self::Unknown(UnknownReason::NoInstance) => Some("no_instance"),
            Self::Unknown(UnknownReason::Undecodable) => Some("undecodable"),
            Self::Unknown(UnknownReason::Inconsistent) => Some("inconsistent"),
            Self::Unknown(UnknownReason::Pruned) => Some("pruned"),
            Self::Unknown(UnknownReason::BehindFloor) => Some("behind_floor"),
            Self::Unknown(UnknownReason::ViewFailed) => Some("view_failed"),
            Self::Unknown(UnknownReason::NotAView) => Some("not_a_view"),
            Self::Unknown(UnknownReason::Archived) => Some("archived"),
        }
    }

    /// Every verdict with every reason.
    pub const ALL: [Self; 22] = [
        Self::InSync,
        Self::Drifted,
        Self::Settling(SettlingReason::RecentlyChanged),
        Self::Settling(SettlingReason::Moving),
        Self::Settling(SettlingReason::Superseded),
        Self::Skipped(SkipReason::NoKey),
        Self::Skipped(SkipReason::NoRow),
        Self::Skipped(SkipReason::RowAppeared),
        Self::Skipped(SkipReason::NotOnChain),
        Self::Skipped(SkipReason::Claimed),
        Self::Skipped(SkipReason::CreationFailed),
        Self::Skipped(SkipReason::Issuer),
        Self::Unknown(UnknownReason::TemporaryAbsent),
        Self::Unknown(UnknownReason::NoInstance),
        Self::Unknown(UnknownReason::Undecodable),
        Self::Unknown(UnknownReason::Inconsistent),
        Self::Unknown(UnknownReason::Pruned),
        Self::Unknown(UnknownReason::BehindFloor),
        Self::Unknown(UnknownReason::ViewFailed),
        Self::Unknown(UnknownReason::NotAView),
        Self::Unknown(UnknownReason::Archived),
        Self::Failed,
    ];
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason() {
            None => f.write_str(self.word()),
            Some(reason) => write!(f, "{}:{reason}", self.word()),
        }
    }
}

impl FromStr for Verdict {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.to_string() == text)
            .ok_or_else(|| ParseNameError::new(text, "in_sync, drifted, settling:…, skipped:…, unknown:…, failed"))
    }
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Verdict {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
