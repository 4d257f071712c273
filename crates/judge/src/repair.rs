use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Class, ParseNameError};

/// What a spec allows to be done about a class of drift, in mode `repair`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repair {
    /// Nothing: the drift is reported.
    #[default]
    Report,
    /// The drifted columns are set to the chain's values.
    Update,
    /// The missing row is inserted.
    Insert,
    /// The provisional key is replaced by the real one.
    Resolve,
}

impl Repair {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Update => "update",
            Self::Insert => "insert",
            Self::Resolve => "resolve",
        }
    }

    /// Whether it makes sense for that class: a missing row cannot be updated.
    #[must_use]
    pub const fn suits(self, class: Class) -> bool {
        match self {
            Self::Report => true,
            Self::Update => matches!(class, Class::StaleStatus | Class::StaleValue | Class::OrphanedPendingTransaction),
            Self::Insert => matches!(class, Class::MissingRow | Class::MissedEvent),
            Self::Resolve => matches!(class, Class::ProvisionalId),
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Repair {
    type Err = ParseNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "report" => Ok(Self::Report),
            "update" => Ok(Self::Update),
            "insert" => Ok(Self::Insert),
            "resolve" => Ok(Self::Resolve),
            _ => Err(ParseNameError::new(text, "report, update, insert, resolve")),
        }
    }
}
