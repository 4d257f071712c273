use std::collections::{BTreeMap, BTreeSet};

use trueup_database::report::DriftRow;
use trueup_judge::Class;

/// One drift: what was injected, or what was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Answer {
    kind: String,
    entity: String,
    class: String,
    field: String,
}

impl Answer {
    pub(super) fn new(kind: &str, entity: impl Into<String>, class: Class, field: &str) -> Self {
        Self { kind: kind.to_owned(), entity: entity.into(), class: class.to_string(), field: field.to_owned() }
    }

    pub(super) fn of(row: &DriftRow) -> Self {
        let entity = row.identity.clone().or_else(|| row.chain_key.clone()).unwrap_or_default();
        Self { kind: row.kind.clone(), entity, class: row.class.clone(), field: row.field.clone() }
    }
}

/// What was injected: each sort by name, and whether trueup may repair it by itself.
#[derive(Default)]
pub(super) struct AnswerKey {
    sorts: BTreeMap<&'static str, (Vec<Answer>, bool)>,
}

impl AnswerKey {
    pub(super) fn add(&mut self, sort: &'static str, repairable: bool, answer: Answer) {
        self.sorts.entry(sort).or_insert_with(|| (Vec::new(), repairable)).0.push(answer);
    }

    /// Name, drifts, repairable, of each sort.
    pub(super) fn sorts(&self) -> impl Iterator<Item = (&'static str, usize, bool)> {
        self.sorts.iter().map(|(name, (answers, repairable))| (*name, answers.len(), *repairable))
    }

    pub(super) fn all(&self) -> BTreeSet<Answer> {
        self.sorts.values().flat_map(|(answers, _)| answers).cloned().collect()
    }

    /// What is left when all that may be repaired is.
    pub(super) fn left(&self) -> BTreeSet<Answer> {
        self.sorts.values().filter(|(_, repairable)| !repairable).flat_map(|(answers, _)| answers).cloned().collect()
    }
}
