//! Proposals: the plans of finished runs in mode `propose`, which people approve or reject, each once.

mod decide;
mod list;

pub use decide::{Decided, approve, copy_into, reject, why_not};
pub use list::{Proposal, ProposalFilter, ProposalState, list};

/// What makes a plan (`p`) of a run (`r`) a proposal: it was read twice, it would write, and its run has ended.
const IS_PROPOSAL: &str = "r.mode = 'propose' AND r.phase = 'done' AND p.verdict = 'drifted' AND p.plan -> 'action' ->> 'do' <> 'report'";

/// Which of them: the binds $1 to $5 are those of [`ProposalFilter`].
const MATCHES: &str = "(cardinality($1::bigint[]) = 0 OR p.id = ANY($1)) AND ($2::bigint IS NULL OR p.run = $2)
    AND ($3::text IS NULL OR p.kind = $3) AND ($4::text IS NULL OR p.identity = $4 OR p.identity IS NULL AND p.chain_key = $4)
    AND ($5::text IS NULL OR p.plan -> 'drifts' @> jsonb_build_array(jsonb_build_object('class', $5)))";
