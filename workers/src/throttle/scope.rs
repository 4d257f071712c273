//! Which statements are those of a sweep's first looks.
//!
//! Second looks are at what differs: their statements answer more of each row, and are no measure for those that answer
//! of few. Touches are looked at by few at a time.

tokio::task_local! {
    static SWEEP: ();
}

/// Statements of `work` are a sweep's.
pub(crate) async fn of_sweep<T>(work: impl Future<Output = T>) -> T {
    SWEEP.scope((), work).await
}

/// Whether who asks is within [`of_sweep`].
pub(crate) fn is_of_sweep() -> bool {
    SWEEP.try_with(|()| ()).is_ok()
}
