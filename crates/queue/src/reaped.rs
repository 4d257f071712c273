//! What is told of a takeover.

/// What taking one expired lease over gave.
#[derive(Debug)]
pub(crate) struct Reaped {
    /// Who held it.
    pub(crate) worker: String,
    /// How many of its jobs are ready again.
    pub(crate) ready: usize,
    /// How many are dead, because the process died too often while they ran alone.
    pub(crate) dead: usize,
}
