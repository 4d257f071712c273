/// The outcome of a job whose run has ended before it.
pub(crate) const RUN_ENDED: &str = "run_ended";

/// What a job is for: which handler it goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// First look at a row; the key is its identity.
    Detect,
    /// First look at a range of rows; the key is the range.
    Sieve,
    /// First look at a key that the chain has and the table lacks; the key is the chain key.
    Discover,
    /// Second look at a plan, and its repair; the key is the plan's id.
    Confirm,
    /// Looks at all plans of a run and starts their confirmation; the key is the run's id.
    Match,
    /// Writes the report of a run; the key is the run's id.
    Aggregate,
}

impl Task {
    /// The word for it in the queue.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Sieve => "sieve",
            Self::Discover => "discover",
            Self::Confirm => "confirm",
            Self::Match => "match",
            Self::Aggregate => "aggregate",
        }
    }

    /// The task of that word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Detect, Self::Sieve, Self::Discover, Self::Confirm, Self::Match, Self::Aggregate]
            .into_iter()
            .find(|task| task.as_str() == name)
    }
}
