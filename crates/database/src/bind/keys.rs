//! The expressions that fill the holes of a chain key.

use trueup_spec::{Argument, ArgumentType, Carrier, Source};

use super::complaints::names;
use super::expression::Scope;
use super::{Binder, Shape, columns_of};

/// Binds them: expressions of type text over the row. They use key columns only, so that a key that only the chain
/// knows resolves too.
pub(super) async fn arguments(binder: &mut Binder<'_, '_>) -> Result<Vec<String>, sqlx::Error> {
    let source = &binder.spec.source;
    let columns: Vec<_> = binder.spec.key.iter().filter_map(|name| binder.table.column(&name.text).cloned()).collect();
    if columns.len() < binder.spec.key.len() {
        return Ok(Vec::new());
    }
    let scope = Scope {
        from: format!("FROM (SELECT {} FROM {} AS it) AS db", columns_of(&columns, "it"), binder.table.sql()),
        help: format!("{} may use the key only: {}", asks(source), names(columns.iter().map(|it| it.name.as_str()))),
    };
    let mut bound = Vec::new();
    for argument in source.arguments() {
        let Some(shape) = binder.probe.shape(&argument.sql, &scope).await? else { continue };
        match as_text(argument, shape) {
            Some(text) => bound.push(text),
            None => {
                let message = format!("{} cannot be made of this: its type does not fit", word(argument.kind));
                binder.probe.complaints.add(argument.sql.at, message, Some(help(argument.kind)));
            }
        }
    }
    Ok(bound)
}

/// Which keys of `[chain]` say where a row is.
const fn asks(source: &Source) -> &'static str {
    match source {
        Source::Soroban(_) | Source::Transaction(_) => "`entry`",
        Source::AssetBalance(_) => "`asset` and `holder`",
        Source::Account(_) => "`account`",
        Source::View(_) => "`arguments`",
    }
}

fn as_text(argument: &Argument, shape: Shape) -> Option<String> {
    use ArgumentType as Type;
    let sql = format!("(\n{}\n)", argument.sql.text);
    let plain = Some(format!("{sql}::text"));
    match (argument.kind, shape) {
        (Type::Timepoint, Shape::Timestamp | Shape::Timestamptz | Shape::Date) => {
            shape.to_carrier(Carrier::Timestamptz, &sql).map(|moment| format!("floor(extract(epoch FROM {moment}))::text"))
        }
        (Type::Duration, Shape::Interval) => Some(format!("floor(extract(epoch FROM {sql}))::text")),
        (Type::Bool, Shape::Bool | Shape::Text) | (Type::Bytes, Shape::Bytea | Shape::Text) => plain,
        (Type::Bool | Type::Bytes, _) => None,
        (Type::Symbol | Type::String | Type::Address, Shape::Bytea | Shape::Json | Shape::Jsonb | Shape::Bool | Shape::Float) => None,
        (Type::Symbol | Type::String | Type::Address, _) => plain,
        (_, Shape::Integer | Shape::Text) => plain,
        (_, Shape::Numeric) => Some(format!("trim_scale({sql})::text")),
        _ => None,
    }
}

fn word(kind: ArgumentType) -> &'static str {
    match kind {
        ArgumentType::Bool => "a bool",
        ArgumentType::Bytes => "bytes",
        ArgumentType::Symbol => "a symbol",
        ArgumentType::String => "a string",
        ArgumentType::Address => "an address",
        ArgumentType::Timepoint => "a timepoint",
        ArgumentType::Duration => "a duration",
        _ => "an integer",
    }
}

fn help(kind: ArgumentType) -> String {
    match kind {
        ArgumentType::Bool => "use a boolean expression",
        ArgumentType::Bytes => "use bytea, or text in hex",
        ArgumentType::Symbol | ArgumentType::String | ArgumentType::Address => "use text, or add `::text`",
        ArgumentType::Timepoint => "use a timestamp, or seconds since 1970",
        ArgumentType::Duration => "use an interval, or seconds",
        _ => "use an integer or numeric, as in `loan_id::bigint`",
    }
    .to_owned()
}
