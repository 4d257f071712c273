//! What a spec says, once it is known to be sound in itself. Whether it fits the database and the chain is checked
//! where those are.

use std::collections::BTreeMap;
use std::sync::Arc;

use trueup_judge::{Class, Durability, EntityKind, Limits, Repair};

use crate::{Account, AlsoEntry, AssetBalance, Element, KeyEvents, Provisional, Touch, Transaction, View};

/// A place in a spec file, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// A piece of SQL, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// The expression, environment variables replaced.
    pub text: String,
    /// Where it begins.
    pub at: Position,
}

/// A name of the database (a column), and where it stands. As in the catalog: no quotes, case kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it stands.
    pub at: Position,
}

/// A table: `loans` means `public.loans`; quoted parts keep their case: `app."Loans"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// The schema, unquoted.
    pub schema: String,
    /// The table, unquoted.
    pub table: String,
    /// Where it stands.
    pub at: Position,
}

/// One kind of entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// The file, as it was given, for messages.
    pub file: String,
    /// The whole text of the file, for messages.
    pub text: Arc<str>,
    /// Its name.
    pub kind: EntityKind,
    /// The table.
    pub table: TableName,
    /// The key columns, at least one.
    pub key: Vec<Name>,
    /// Rows for which this does not hold are exempt.
    pub filter: Option<Sql>,
    /// The timestamp column that says when the row last changed.
    pub changed: Option<Name>,
    /// How long after a change a difference is settling, in seconds. 0 without `changed`.
    pub grace_secs: i64,
    /// Where the chain's side comes from.
    pub source: Source,
    /// What is read from the chain, in the order of the file; given by sources other than
    /// contracts: [`crate::TRANSACTION_VALUES`], [`crate::ASSET_BALANCE_VALUES`], [`crate::ACCOUNT_VALUES`].
    pub values: Vec<Value>,
    /// What is compared.
    pub fields: Vec<Field>,
    /// What must hold.
    pub conditions: Vec<Condition>,
    /// Rows without their real key.
    pub provisional: Option<Provisional>,
    /// What a new row gets besides its key and its fields: column to SQL over `chain.*` and `key.*`.
    pub insert: Vec<(Name, Sql)>,
    /// What may be repaired.
    pub repair: BTreeMap<Class, Repair>,
    /// How much of it one run may write.
    pub guard: Limits,
    /// Which events touch entities of this kind.
    pub touches: Vec<Touch>,
}

/// Where the chain's side comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A contract's storage entry.
    Soroban(Soroban),
    /// The outcome of a transaction.
    Transaction(Transaction),
    /// What a holder has of an asset.
    AssetBalance(AssetBalance),
    /// An account's own entry.
    Account(Account),
    /// What a function of a contract returns.
    View(View),
}

/// A contract's storage entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soroban {
    /// The contract.
    pub contract: Contract,
    /// How long the chain keeps the entry.
    pub durability: Durability,
    /// The shape of the key.
    pub entry: KeyTemplate,
    /// What fills the holes of every key and of the element, by index.
    pub arguments: Vec<Argument>,
    /// Further entries that are read for the same row.
    pub also: Vec<AlsoEntry>,
    /// Where a row is not the entry but one element of it.
    pub element: Option<Element>,
    /// Which keys exist on chain.
    pub enumerate: Option<Enumerate>,
}

/// Which contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contract {
    /// The same for every row: its strkey (`C…`), checked.
    Fixed(String),
    /// Named by each row.
    Column(Name),
}

/// The shape of a chain key: an `ScVal` with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyTemplate {
    /// A literal symbol.
    Symbol(String),
    /// The argument of that index.
    Argument(usize),
    /// A vector, as contract enums and tuples are.
    Vec(Vec<KeyTemplate>),
    /// A map, as structs are; sorted by key as the chain wants it when the key is built.
    Map(Vec<(KeyTemplate, KeyTemplate)>),
    /// The contract's instance entry.
    Instance,
}

/// One hole of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The type that the chain wants.
    pub kind: ArgumentType,
    /// SQL over the key columns.
    pub sql: Sql,
}

/// The `ScVal` types that a key may be made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArgumentType {
    /// `bool`, from SQL boolean.
    Bool,
    /// 32-bit unsigned.
    U32,
    /// 32-bit signed.
    I32,
    /// 64-bit unsigned.
    U64,
    /// 64-bit signed.
    I64,
    /// 128-bit unsigned.
    U128,
    /// 128-bit signed.
    I128,
    /// 256-bit unsigned.
    U256,
    /// 256-bit signed.
    I256,
    /// Seconds.
    Timepoint,
    /// Seconds.
    Duration,
    /// A symbol that a column or expression holds (`{ symbol = { sql = "code" } }`).
    Symbol,
    /// A string.
    String,
    /// Bytes: from `bytea`, or text in hex (with or without `0x` or `\x`).
    Bytes,
    /// An address as strkey: G, C, M (or any other sort that the chain knows).
    Address,
}

/// Which keys exist on chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enumerate {
    /// Counted: the keys are consecutive integers.
    Counter {
        /// Where the counter is.
        at: CounterAt,
        /// The first key.
        first: i64,
        /// What the counter holds.
        holds: CounterHolds,
    },
    /// A list in an entry of the same contract: each element is a key (or a vector of as many as there are key columns).
    List {
        /// The entry that holds it (no arguments).
        entry: KeyTemplate,
        /// Its durability.
        durability: Durability,
        /// Where in the entry's value it is; empty for the whole value.
        path: Path,
    },
    /// Events of the same contract: each names a key.
    Events(KeyEvents),
    /// A query whose rows are keys, one column for each key column in their order; or, where rows are elements, the
    /// keys of their parents, one column for each key column that is not the element's.
    Query(Sql),
    /// The elements of the one entry that holds them all.
    Elements,
}

/// Where a counter is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CounterAt {
    /// In the instance storage of the contract, under this symbol (or unit variant of that name).
    Instance(String),
    /// In an entry of its own.
    Entry {
        /// The entry (no arguments).
        entry: KeyTemplate,
        /// Its durability.
        durability: Durability,
        /// Where in the value it is; empty for the whole value.
        path: Path,
    },
}

/// What a counter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterHolds {
    /// The last key that was given out.
    Last,
    /// The next key to be given out.
    Next,
    /// How many keys were given out.
    Count,
}

/// A way into a chain value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path(pub Vec<Segment>);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Into a map, by symbol or string key (`.name`, `["name"]`).
    Name(String),
    /// Into a vector, from 0 (`[2]`); also the fields of a tuple variant, whose element 0 is its name.
    Index(usize),
    /// Into a map, by a key of another type (`[u32:5]`, `[address:G…]`).
    Key(ArgumentType, String),
}

/// What is read from the chain, under which name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// The name that SQL uses: `chain.name`.
    pub name: Name,
    /// Which of [`Soroban::also`] it is read from, by index; none for the entry itself, or its element.
    pub from: Option<usize>,
    /// Where it is.
    pub path: Path,
    /// As what Postgres sees it.
    pub carrier: Carrier,
    /// `numeric` only: how many decimals the chain's integer has.
    pub decimals: u32,
    /// A part of the path that is not there means NULL, not an error.
    pub optional: bool,
}

/// The Postgres types in which the two sides meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// `text`: symbols, strings, enum names, addresses, integers as they are written.
    Text,
    /// `numeric`: any integer, scaled by the value's decimals. Exact.
    Numeric,
    /// `bool`.
    Bool,
    /// `bytea`.
    Bytea,
    /// `timestamptz`, from seconds since the epoch.
    Timestamptz,
    /// `jsonb`: any value, in the documented JSON form.
    Jsonb,
}

impl Carrier {
    /// The name of the type in SQL.
    #[must_use]
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Numeric => "numeric",
            Self::Bool => "bool",
            Self::Bytea => "bytea",
            Self::Timestamptz => "timestamptz",
            Self::Jsonb => "jsonb",
        }
    }
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The column.
    pub column: Name,
    /// The chain's side.
    pub value: FieldValue,
    /// The database's side where it is not the column itself: SQL over `db.*`, e.g. `db.meta->>'status'`. Such a field
    /// is repaired only if `write` says how.
    pub read: Option<Sql>,
    /// What the column is set to where that is not the chain's side itself: SQL over `db.*` and `chain.*`.
    pub write: Option<Sql>,
    /// From the chain's label to the column's; empty: the same. A label that it lacks is a drift that is not repaired.
    pub map: Vec<(String, String)>,
    /// `numeric` only: differences up to this are none.
    pub tolerance: Option<Tolerance>,
    /// The class of a difference.
    pub class: Class,
}

/// How large a difference is none. Decimals as they were written, at least 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tolerance {
    /// In the column's units.
    Absolute(String),
    /// In percent of the chain's side.
    Percent(String),
}

/// The chain's side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldValue {
    /// One of the spec's values, by index.
    Value(usize),
    /// SQL over `chain.*`, and the carrier in which it is compared.
    Sql(Sql, Carrier),
}

/// Something that must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Its name, unique in the spec.
    pub name: String,
    /// SQL over `db.*` and `chain.*`. Only false violates it; NULL does not.
    pub holds: Sql,
    /// How urgent a violation is.
    pub priority: Priority,
}

/// How urgent a violation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Priority {
    /// Can wait.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Should be looked at soon.
    High,
    /// Wakes someone.
    Critical,
}

impl Priority {
    /// All, the lowest first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}
