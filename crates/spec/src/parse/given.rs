//! Values that a source gives by itself, so that a spec does not describe them.

use crate::document::Item;
use crate::{Carrier, Name, Path, Position, Value};

/// The values of a source, `what` in messages; a `[values]` of the spec's own has no place beside them.
pub(super) fn values(own: Option<&Item<'_>>, given: &[(&str, Carrier)], what: &str, at: Position) -> Vec<Value> {
    if let Some(own) = own {
        let names: Vec<_> = given.iter().map(|(name, _)| *name).collect();
        let help = format!("leave it out; SQL may use `chain.{}`", names.join("`, `chain."));
        own.fail::<()>(format!("the values of {what} are given"), Some(help));
    }
    let value = |(name, carrier): &(&str, Carrier)| Value {
        name: Name { text: (*name).to_owned(), at },
        from: None,
        path: Path::default(),
        carrier: *carrier,
        decimals: 0,
        optional: false,
    };
    given.iter().map(value).collect()
}
