//! Entities by the call.

/// How many keys a call carries beside the instance of their contract.
pub(super) const KEYS_PER_FULL_CALL: usize = trueup_chain::KEYS_PER_CALL_MAX - 1;

/// As many of so many as fill calls: where batches follow each other one by one, a call that one leaves half empty is not
/// filled by the next.
pub(super) fn of_full_calls(entities: usize) -> usize {
    if entities < KEYS_PER_FULL_CALL { entities } else { entities - entities % KEYS_PER_FULL_CALL }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_stands_alone_fills_its_calls() {
        assert_eq!([500, 597, 200, 199, 198, 5].map(of_full_calls), [398, 597, 199, 199, 198, 5]);
    }
}
