//! A job, and what may be said of it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type,
        )]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// Which job. Ids grow in the order of enqueueing.
    JobId
}
number! {
    /// Which group a job belongs to. What a group means is the caller's business.
    GroupId
}
number! {
    /// Under which lease a job is held. Numbers come from one Postgres sequence and only grow, so that a worker
    /// that lost its lease can never be mistaken for the one that has it now.
    LeaseNumber
}

/// A leased job, as a handler gets it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Job {
    /// Which job.
    pub id: JobId,
    /// The group it belongs to.
    pub group: GroupId,
    /// Which handler it is for.
    pub task: String,
    /// The kind of entity it is about.
    pub kind: String,
    /// Which entity, or which plan.
    pub key: String,
    /// What else its handler needs.
    pub payload: Option<serde_json::Value>,
    /// The lease under which it is held now: what [`fence`](crate::fence) and an [`Ack`] ask for.
    pub lease: LeaseNumber,
    /// How many of its tries failed so far.
    pub failures: i32,
    /// How often it was put off without having failed ([`AckResult::Again`]).
    pub looks: i32,
    /// The W3C `traceparent` under which it was enqueued.
    pub trace: Option<String>,
    /// A process vanished that held it, and it may be why.
    pub is_suspect: bool,
}

/// A job to be enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// The group it belongs to.
    pub group: GroupId,
    /// Which handler it is for.
    pub task: String,
    /// The kind of entity it is about; empty where there is none.
    pub kind: String,
    /// Which entity, or which plan.
    pub key: String,
    /// What else its handler needs.
    pub payload: Option<serde_json::Value>,
    /// Lower goes first. Live work belongs ahead of sweeps.
    pub priority: i16,
    /// How long it must wait before its first try, by the database's clock.
    pub after: Duration,
    /// A W3C `traceparent`.
    pub trace: Option<String>,
}

impl NewJob {
    /// A job without payload or trace, due at once, at [`NewJob::PRIORITY`].
    pub fn new(
        group: GroupId,
        task: impl std::convert::Into<String>,
        kind: impl std::convert::Into<String>,
        key: impl std::convert::Into<String>,
    ) -> Self {
        Self {
            group,
            task: task.into(),
            kind: kind.into(),
            key: key.into(),
            payload: None,
            priority: Self::PRIORITY,
            after: Duration::ZERO,
            trace: None,
        }
    }

    /// The priority of work that nobody waits for.
    pub const PRIORITY: i16 = 100;
    /// From this priority on a job is bulky, as much work as hundreds of others: a worker holds only so many of them
    /// ([`Settings::bulky_held`](crate::Settings::bulky_held)), and leaves the rest to others.
    pub const BULKY: i16 = 1_000;
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum State {
    /// Waits to be leased, now or later.
    Ready,
    /// Held by a worker.
    Leased,
    /// Ended well; its outcome is kept.
    Done,
    /// Ended badly: its tries are used up, or trying again is pointless. Waits for a person.
    Dead,
    /// Ended before it was tried.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Ready, Self::Leased, Self::Done, Self::Dead, Self::Cancelled];

    /// As it stands in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Leased => "leased",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more happens to a job in this state unless somebody asks for it.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == word).ok_or_else(|| {
            let words = Self::ALL.map(Self::as_str).join(", ");
            format!("\"{word}\" is not a state of a job; the states are {words}")
        })
    }
}

/// What became of one leased job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Which job.
    pub job: JobId,
    /// The lease under which it was held. Under any other the ack does nothing.
    pub lease: LeaseNumber,
    /// What became of it.
    pub result: AckResult,
}

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AckResult {
    /// It ended well.
    Done {
        /// What it found, kept with the row.
        outcome: String,
    },
    /// It is not finished, and nothing failed: look again later. `looks` grows, `failures` does not.
    Again {
        /// How long to wait, by the database's clock.
        after: Duration,
        /// Why, kept with the row.
        reason: String,
    },
    /// This try failed. It is tried again after a growing, jittered delay, or ends dead when its tries are used up.
    Failed {
        /// What went wrong, kept with the row.
        error: String,
    },
    /// Trying again is pointless.
    Dead {
        /// What went wrong, kept with the row.
        error: String,
    },
}
