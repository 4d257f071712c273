//! Why entities were not judged, in words for people.

/// What `verdict:reason` means, and what to do about it. docs/report.md says the same at length.
pub(super) fn explain(outcome: &str) -> &'static str {
    match outcome {
        "skipped:no_key" => "a column that the chain key needs is NULL",
        "skipped:no_row" => "the row has gone, or has left the spec's `where`",
        "skipped:row_appeared" => "the missing row is there by now",
        "skipped:not_on_chain" => "the enumerated key has no entry",
        "skipped:claimed" => "a row that waits for its real key has this one",
        "skipped:creation_failed" => "its creation failed or expired, and the row says so",
        "settling:recently_changed" => "differs, but changed a moment ago; the next run sees more",
        "settling:moving" => "was changing between two reads; the next run sees more",
        "settling:superseded" => "someone else wrote the row first; the next run sees more",
        "unknown:temporary_absent" => "the temporary entry is not there: expired, or never written",
        "unknown:no_instance" => "the contract itself was not found: check its address and the network",
        "unknown:undecodable" => "the entry does not have the shape that [values] says; see `trueup check`",
        "unknown:pruned" => "may be older than what the endpoint keeps",
        "unknown:behind_floor" => "the endpoint is behind what was applied before; the next run sees more",
        "unjudged" => "the run ended first",
        _ => "",
    }
}
