//! Who decides, and why, for the record.

use anyhow::ensure;
use clap::Args;

/// Who, and perhaps why.
#[derive(Args)]
pub(super) struct By {
    /// Who
    #[arg(long, env = "USER", default_value = UNKNOWN)]
    actor: String,
    /// Why
    #[arg(long)]
    reason: Option<String>,
}

/// Who and why, where a decision without a reason is none.
#[derive(Args)]
pub(super) struct ByWithReason {
    /// Who
    #[arg(long, env = "USER", default_value = UNKNOWN)]
    actor: String,
    /// Why
    #[arg(long)]
    reason: String,
}

/// Who decides where nobody says it.
pub(super) const UNKNOWN: &str = "unknown";

impl By {
    pub(super) fn actor(&self) -> &str {
        actor(&self.actor)
    }

    pub(super) fn reason(&self) -> Option<&str> {
        self.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty())
    }
}

impl ByWithReason {
    pub(super) fn actor(&self) -> &str {
        actor(&self.actor)
    }

    pub(super) fn reason(&self) -> anyhow::Result<&str> {
        reason(&self.reason)
    }
}

/// An empty name is nobody's.
pub(super) fn actor(given: &str) -> &str {
    let given = given.trim();
    if given.is_empty() { UNKNOWN } else { given }
}

/// A reason that says something.
pub(super) fn reason(given: &str) -> anyhow::Result<&str> {
    let given = given.trim();
    ensure!(!given.is_empty(), "--reason is empty: say why, for whoever reads the record later");
    Ok(given)
}
