use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One sweep over the entities of some kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One stored plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanId(pub i64);

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a kind of entity, as its spec gives it: `loan`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntityKind(pub String);

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which row: the table's primary key as canonical text.
///
/// One column: what Postgres prints for it (`column::text`). Several: a JSON array of such texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowIdentity(pub String);

impl fmt::Display for RowIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Which chain entry: what the spec's key columns hold, as canonical text in the same form as [`RowIdentity`].
///
/// Not the row identity: a provisional row has an identity and no true chain key yet.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChainKey(pub String);

impl fmt::Display for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Finds and confirms drift, and reports it. Writes nothing outside schema `trueup`.
    #[default]
    Detect,
    /// Like `detect`, and keeps the plans for someone to approve.
    Propose,
    /// Executes the plans that are confirmed.
    Repair,
}

/// A name that is none of the allowed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseNameError {
    given: String,
    allowed: &'static str,
}

impl ParseNameError {
    pub(crate) fn new(given: &str, allowed: &'static str) -> Self {
        Self { given: given.to_owned(), allowed }
    }
}

impl fmt::Display for ParseNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is none of {}", self.given, self.allowed)
    }
}

impl std::error::Error for ParseNameError {}

impl Mode {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Propose => "propose",
            Self::Repair => "repair",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "detect" => Ok(Self::Detect),
            "propose" => Ok(Self::Propose),
            "repair" => Ok(Self::Repair),
            _ => Err(ParseNameError::new(text, "detect, propose, repair")),
        }
    }
}

/// Which entities of its kinds a run compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sweep {
    /// All of them.
    #[default]
    Full,
    /// All but the rows that have not moved, nor their entries, since they were last in sync.
    Incremental,
}

impl Sweep {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Incremental => "incremental",
        }
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Sweep {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "full" => Ok(Self::Full),
            "incremental" => Ok(Self::Incremental),
            _ => Err(ParseNameError::new(text, "full, incremental")),
        }
    }
}
