use trueup_judge::{ChainKey, Plan, PlanId, RowIdentity, RunId};

/// One confirmed plan to be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The plan.
    pub plan: PlanId,
    /// Its run.
    pub run: RunId,
    /// The job that executes it.
    pub job: i64,
    /// The number of the job's lease.
    pub lease: i64,
    /// The row; none for one that is missing.
    pub identity: Option<RowIdentity>,
    /// The chain key; needed for a row that is missing.
    pub chain_key: Option<ChainKey>,
    /// What to do, judged by what, resting on which observation.
    pub body: Plan,
    /// Base64 XDR of the chain's entry, or of the transaction's result.
    pub chain_entry: Option<String>,
    /// W3C traceparent.
    pub trace: Option<String>,
    /// Who does it, for the audit.
    pub actor: String,
    /// Why, if someone said.
    pub reason: Option<String>,
}

/// What a repair came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RepairOutcome {
    /// Written as planned, and audited.
    Repaired {
        /// The audit's id.
        repair: i64,
        /// The row.
        identity: RowIdentity,
    },
    /// Written and audited; a trigger made another value of it.
    Altered {
        /// The audit's id.
        repair: i64,
        /// The row.
        identity: RowIdentity,
    },
    /// Not written: the row is no longer what was judged (for an insert: a row has the key by now).
    Superseded,
    /// Not written: the observation is older than one that was applied to the row before.
    BehindFloor {
        /// The ledger of the newest observation that was applied.
        floor: i64,
    },
    /// Not written: the database does not take the value, or would not hold it exactly.
    Refused {
        /// Why, for people.
        reason: String,
    },
    /// This plan was executed before.
    AlreadyDone {
        /// The audit's id.
        repair: i64,
    },
}

/// What a revert came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertOutcome {
    /// The columns are as they were before the repair, and held.
    Reverted {
        /// The revert's own audit id.
        repair: i64,
        /// The columns that are held until they are released.
        held: Vec<String>,
    },
    /// Nothing was written.
    Refused {
        /// Why, for people.
        why: String,
    },
}
