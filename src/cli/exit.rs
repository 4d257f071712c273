use std::process::ExitCode;

use trueup_workers::{Document, KindPart};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing is wrong, or nothing any more.
    Clean,
    /// The command failed. (2 is clap's, for wrong usage.)
    Error,
    /// There is drift that was not repaired.
    Drift,
    /// Not every entity could be judged, the run ended before its time, or repairs were held back.
    Partial,
}

impl Exit {
    /// What a report means for whoever waits for it. Drift goes before what could not be judged, unless the run did
    /// not come to its end or was guarded: then somebody has to look at the run, and not only at the drift.
    pub(crate) fn of(report: &Document) -> Self {
        let unjudged = ["failed", "unknown", "settling", "unjudged"].iter().any(|verdict| report.total(verdict) > 0);
        let guarded = report.kinds.values().any(KindPart::is_guarded);
        if report.run.partial || guarded {
            Self::Partial
        } else if report.left() > 0 {
            Self::Drift
        } else if unjudged || !report.notes.is_empty() {
            Self::Partial
        } else {
            Self::Clean
        }
    }
}

impl Exit {
    /// Of two commands in one: what the first one says, unless it has nothing to say.
    pub(crate) fn or(self, other: Self) -> Self {
        if self == Self::Clean { other } else { self }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Error => 1,
            Exit::Drift => 3,
            Exit::Partial => 4,
        })
    }
}
