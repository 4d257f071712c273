//! What a spec says of events that show which keys, or which transactions, there are.

use trueup_judge::Class;

use crate::{Contract, Enumerate, EventPath, Soroban, Source, Spec};

/// Which events of a contract count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFilter {
    /// What the topics are, from the first, which is the event's name; there may be more.
    pub topics: Vec<EventTopic>,
    /// Events younger than this are not looked at yet, in seconds.
    pub after_secs: i64,
    /// Events of earlier ledgers are not looked at; that they are not stored is nothing to tell.
    pub since: Option<i64>,
}

/// What one topic has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventTopic {
    /// This, in the text form of a value. As the first topic: this symbol.
    Is(String),
    /// Whatever it is, but there.
    Any,
}

/// Events that show which keys there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyEvents {
    /// Which events.
    pub filter: EventFilter,
    /// Where in them the key is: one place for each key column.
    pub id: Vec<EventPath>,
}

/// Events whose transactions the table should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionEvents {
    /// The contract's strkey.
    pub contract: String,
    /// Which events.
    pub filter: EventFilter,
}

/// Events that touch the entities that they name: these are looked at at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The contract's strkey; none for [`Spec::event_contract`].
    pub contract: Option<String>,
    /// What the topics are, from the first, which is the event's name; there may be more.
    pub topics: Vec<EventTopic>,
    /// Where in the event the key is: one place for each key column. Empty for transactions: the event's own.
    pub key: Vec<EventPath>,
    /// How long a row that is missing is given to appear, in seconds.
    pub after_secs: i64,
}

impl Spec {
    /// The one contract whose events this spec is about, if it names one for all rows.
    #[must_use]
    pub fn event_contract(&self) -> Option<&str> {
        match &self.source {
            Source::Soroban(Soroban { contract: Contract::Fixed(contract), .. }) => Some(contract),
            Source::Soroban(_) | Source::AssetBalance(_) | Source::Account(_) | Source::View(_) => None,
            Source::Transaction(transaction) => transaction.enumerate.as_ref().map(|events| events.contract.as_str()),
        }
    }

    /// Which events of [`Self::event_contract`] show the keys, or the transactions, that there are.
    #[must_use]
    pub fn enumerating_events(&self) -> Option<&EventFilter> {
        match &self.source {
            Source::Soroban(Soroban { enumerate: Some(Enumerate::Events(events)), .. }) => Some(&events.filter),
            Source::Soroban(_) | Source::AssetBalance(_) | Source::Account(_) | Source::View(_) => None,
            Source::Transaction(transaction) => transaction.enumerate.as_ref().map(|events| &events.filter),
        }
    }

    /// What a key that the chain has and the table lacks is.
    #[must_use]
    pub const fn class_of_missing(&self) -> Class {
        match &self.source {
            Source::Soroban(_) | Source::AssetBalance(_) | Source::Account(_) | Source::View(_) => Class::MissingRow,
            Source::Transaction(_) => Class::MissedEvent,
        }
    }

    /// The contracts whose events touch entities of this kind.
    pub fn touching_contracts(&self) -> impl Iterator<Item = &str> {
        self.touches.iter().filter_map(|touch| touch.contract.as_deref().or_else(|| self.event_contract()))
    }

    /// Whether what this spec decides rests on stored events.
    #[must_use]
    pub fn needs_events(&self) -> bool {
        self.enumerating_events().is_some() || self.provisional.as_ref().is_some_and(|provisional| provisional.event.is_some())
    }
}
