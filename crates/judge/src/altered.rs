use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Drift, Stamp, Withheld};

/// The newest repair of an entity, where something in the database made something else of what it wrote. Writing the
/// same again would come to the same, run after run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlteredRepair {
    /// Its id.
    pub repair: i64,
    /// What it was to mend.
    pub drifts: Vec<Drift>,
    /// The columns that were judged and those that were written, as they were right after the write, as text; empty if
    /// the row was gone.
    pub left_behind: BTreeMap<String, Option<String>>,
    /// The ledger that had last changed the entry; none where nothing says so.
    pub last_modified: Option<u32>,
    /// The triggers of the table that may have done it, by name.
    pub triggers: Vec<String>,
}

impl AlteredRepair {
    /// Whether a write of this field would be the same again: the chain's value is the same, of the same entry, and
    /// the row still is as that repair left it.
    #[must_use]
    pub fn would_repeat(&self, field: &str, chain: Option<&str>, judged: &BTreeMap<String, Option<String>>, stamp: Option<&Stamp>) -> bool {
        self.is_of(stamp)
            && judged.iter().all(|(column, now)| self.left_behind.get(column) == Some(now))
            && self.drifts.iter().any(|drift| was_written(drift) && drift.field == field && drift.chain.as_deref() == chain)
    }

    /// The same for a row that is missing, still or again: what was inserted for this key is not there under it.
    #[must_use]
    pub fn would_repeat_insert(&self, key: &str, stamp: &Stamp) -> bool {
        self.would_repeat("", Some(key), &BTreeMap::new(), Some(stamp))
    }

    fn is_of(&self, stamp: Option<&Stamp>) -> bool {
        stamp.and_then(|stamp| stamp.last_modified) == self.last_modified
    }
}

impl fmt::Display for AlteredRepair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { repair, triggers, .. } = self;
        let culprit = match triggers.as_slice() {
            [] => "something in the database (a rule, a default)".to_owned(),
            [one] => format!("something in the database (perhaps its trigger {one})"),
            several => format!("something in the database (perhaps one of its triggers {})", several.join(", ")),
        };
        write!(
            f,
            "repair {repair} wrote this before, and {culprit} made something else of it: see `trueup repairs show {repair}`. \
             Correct that, then `trueup repairs release {repair}`; a change of the row or of its entry lets it go as well"
        )
    }
}

/// By that repair, or by one before it, so that two fields cannot let each other go by turns.
fn was_written(drift: &Drift) -> bool {
    matches!(drift.withheld, None | Some(Withheld::Altered))
}
