use std::process::ExitCode;

use trueup_workers::Document;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing is wrong, or nothing any more.
    Clean,
    /// The command failed. (2 is clap's, for wrong usage.)
    Error,
    /// There is drift that was not repaired.
    Drift,
    /// Not every entity could be judged, or the run ended before its time.
    Partial,
}

impl Exit {
    /// What a report means for whoever waits for it. Drift goes before what could not be judged, unless the run did
    /// not come to its end.
    pub(crate) fn of(report: &Document) -> Self {
        let unjudged = ["failed", "unknown", "settling", "unjudged"].iter().any(|verdict| report.total(verdict) > 0);
        if report.run.partial {
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
