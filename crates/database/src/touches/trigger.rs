//! The triggers by which changed rows touch themselves.

use trueup_spec::Spec;

use super::ON_CONFLICT;
use crate::bind::{Bound, Relation};
use crate::connect::CANONICAL;
use crate::identity::canonical_of;
use crate::sql::{ident, literal};

/// How many rows of one statement touch themselves; a statement that changes more is a bulk change, and a sweep's.
const ROWS_PER_STATEMENT_MAX: i64 = 1_000;

/// What the name of a function and of its triggers begins with.
const PREFIX: &str = "trueup_touch_";
/// The longest name that Postgres keeps, in bytes.
const IDENTIFIER_BYTES_MAX: usize = 63;

/// The SQL that makes changed rows touch themselves; an error for what has no triggers of that sort.
pub(crate) fn trigger(spec: &Spec, bound: &Bound) -> Result<String, String> {
    let table = &bound.table;
    if table.relation != Relation::Table {
        return Err(format!("{} is no table, so that nobody can tell which of its rows changed", table.display()));
    }
    if bound.identity.iter().any(|column| !column.may_select) {
        return Err(format!("role `{}` may not read the primary key of {}", table.role, table.display()));
    }
    let name = format!("{PREFIX}{}", spec.kind);
    // Postgres cuts a longer name off, and two kinds that begin alike would have one trigger.
    if name.len() + "_insert".len() > IDENTIFIER_BYTES_MAX {
        let longest = IDENTIFIER_BYTES_MAX - PREFIX.len() - "_insert".len();
        return Err(format!("the name of kind `{}` is too long for a trigger's: here it may have {longest} bytes", spec.kind));
    }
    let function = format!("trueup.{}", ident(&name));
    let settings: String = CANONICAL.iter().map(|(name, value)| format!("\n    SET {name} = {}", literal(value))).collect();
    let body = format!(
        "BEGIN
    -- What trueup wrote itself needs no look.
    IF current_setting('trueup.writes', true) = 'on' THEN
        RETURN NULL;
    END IF;
    INSERT INTO trueup.touches AS t (kind, named_by, entity, origin)
    SELECT {kind}, 'row', it.entity, 'trigger'
    FROM (SELECT {identity} AS entity FROM changed AS db LIMIT {ROWS_PER_STATEMENT_MAX}) AS it
    WHERE it.entity IS NOT NULL GROUP BY it.entity ORDER BY it.entity COLLATE \"C\"
    {ON_CONFLICT};
    RETURN NULL;
EXCEPTION WHEN OTHERS THEN
    -- A touch is a hint: the next sweep looks at the row in any case. It must not fail the write that it is about.
    RAISE WARNING 'trueup: rows of {shown} were not touched: %', SQLERRM;
    RETURN NULL;
END",
        kind = literal(&spec.kind.0),
        identity = canonical_of(&bound.identity, "db"),
        shown = table.display().replace('\'', "''").replace('%', "%%"),
    );
    let trigger = |event: &str| {
        format!(
            "CREATE OR REPLACE TRIGGER {name} AFTER {event} ON {table}\n    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}();",
            name = ident(&format!("{name}_{}", event.to_lowercase())),
            table = table.sql(),
        )
    };
    Ok(format!(
        "-- {kind}: rows of {shown} that are inserted or updated touch themselves.\n\
         -- As the role that owns schema trueup. It is this role's rights that the function uses: whoever writes the table\n\
         -- needs none in schema trueup.\n\
         CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER\n    SET search_path = pg_catalog, pg_temp{settings}\nAS $trueup$\n{body}\n$trueup$;\n\
         -- As the table's owner, who needs USAGE on schema trueup to name the function.\n\
         {insert}\n{update}\n",
        kind = spec.kind,
        shown = table.display(),
        insert = trigger("INSERT"),
        update = trigger("UPDATE"),
    ))
}
