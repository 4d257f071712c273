use thiserror::Error;

/// How many characters of a value a message shows.
const SHOWN_CHARS: usize = 80;

/// Why a row's arguments are not a chain key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// A text is not of the type that the chain wants there.
    #[error("`{given}` is not a chain {kind}: {why}")]
    Argument {
        /// The chain's name of the type.
        kind: &'static str,
        /// The text, shortened.
        given: String,
        /// What it would have to be.
        why: &'static str,
    },
    /// Not a contract.
    #[error("`{given}` is not a contract address: it must be a strkey that begins with C, 56 characters")]
    Contract {
        /// The text, shortened.
        given: String,
    },
    /// The template asks for an argument that was not given.
    #[error("the key needs argument {index}, and {given} were given")]
    MissingArgument {
        /// Which, from 0.
        index: usize,
        /// How many there are.
        given: usize,
    },
    /// A map with the same key twice, or one too large.
    #[error("the key's map has a key twice; each key of a map must be different")]
    Map,
    /// The key has more parts than XDR can hold.
    #[error("the key is too large for the chain")]
    TooLarge,
    /// The instance stands for the whole key; it cannot be a part of one.
    #[error("`instance` is a whole key and cannot be a part of another")]
    InstanceWithin,
}

// === impl KeyError ===

impl KeyError {
    pub(crate) fn argument(kind: &'static str, given: &str, why: &'static str) -> Self {
        Self::Argument { kind, given: shortened(given), why }
    }

    pub(crate) fn contract(given: &str) -> Self {
        Self::Contract { given: shortened(given) }
    }
}

/// Why an entry's value is not what a spec reads.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A part of the path that is not there, and not optional.
    #[error("the entry has nothing at `{path}`; if that is normal, make the value `optional = true`")]
    Absent {
        /// The path as far as the first part that is missing.
        path: String,
    },
    /// The path leads into something that has no such parts.
    #[error("the path `{path}` leads into a chain {found}, which has no such part")]
    NoParts {
        /// The path as far as the part that does not fit.
        path: String,
        /// What is there.
        found: &'static str,
    },
    /// What should hold the rows' elements holds none.
    #[error("there is a chain {found} at `{path}`, and the rows are elements of a {wanted}")]
    NoElements {
        /// Where it should be.
        path: String,
        /// What is there.
        found: &'static str,
        /// What should be there.
        wanted: &'static str,
    },
    /// An entry that is not a contract's.
    #[error("the entry is not contract data but {found}")]
    NoContractData {
        /// The chain's name of what it is.
        found: &'static str,
    },
    /// A further entry that is not on chain, and not optional.
    #[error("the entry `{name}` is not on chain; if that is normal, make it `optional = true`")]
    NoEntry {
        /// Its name in the spec.
        name: String,
    },
    /// A part of the path that is a key is not of its type.
    #[error("the path `{path}`: {source}")]
    PathKey {
        /// The path as far as the key.
        path: String,
        /// What is wrong with the key.
        source: KeyError,
    },
    /// The entry is of another sort than the spec's source.
    #[error("the entry is of another sort: {found}")]
    Entry {
        /// The protocol's name of what is there.
        found: &'static str,
    },
    /// The value is not of a type that the carrier takes.
    #[error("a chain {found} cannot be read as {wanted}")]
    Type {
        /// The chain's name of what is there.
        found: &'static str,
        /// The carrier.
        wanted: &'static str,
    },
    /// The value is of the right type, but Postgres cannot hold it.
    #[error("{what}")]
    Unholdable {
        /// What and why.
        what: String,
    },
    /// An enumerated key does not have as many parts as there are key columns.
    #[error("the chain's list holds a key of {found} parts, and the spec has {wanted} key columns")]
    Columns {
        /// How many there are.
        found: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// Which of the spec's values it was.
    #[error("value `{name}`: {source}")]
    Value {
        /// The value's name.
        name: String,
        /// What is wrong with it.
        source: Box<DecodeError>,
    },
}

/// A text as a message shows it: no line breaks, no end.
pub(crate) fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}
