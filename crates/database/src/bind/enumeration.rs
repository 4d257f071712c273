//! Which keys exist on chain: the query, and what parents of elements are located by.

use trueup_spec::{Enumerate, KeyTemplate, Soroban, Source, Sql};

use super::bound::BoundParents;
use super::complaints::names;
use super::expression::Scope;
use super::{Binder, columns_of};

/// The query that enumerates, and what locates parents where it is these that are enumerated.
pub(super) async fn bind(binder: &mut Binder<'_, '_>) -> Result<(Option<String>, Option<BoundParents>), sqlx::Error> {
    let Source::Soroban(soroban) = &binder.spec.source else { return Ok((None, None)) };
    let columns = soroban.parent_columns(&binder.spec.key);
    match &soroban.enumerate {
        // Events name whole keys, and are bound where they are read.
        None | Some(Enumerate::Events(_)) => Ok((None, None)),
        Some(Enumerate::Query(sql)) => {
            let by_query = query(binder, sql, columns.as_deref().unwrap_or_default()).await?;
            let parents = if by_query { parents(binder, soroban, columns, by_query).await? } else { None };
            Ok((Some(sql.text.clone()), parents))
        }
        Some(Enumerate::Counter { .. } | Enumerate::List { .. } | Enumerate::Elements) => {
            Ok((None, parents(binder, soroban, columns, false).await?))
        }
    }
}

/// Checks the query. Whether its rows are the keys of parents, which these key columns tell apart, and not whole ones.
async fn query(binder: &mut Binder<'_, '_>, sql: &Sql, parents: &[usize]) -> Result<bool, sqlx::Error> {
    let wanted = binder.spec.key.len();
    let Some(given) = binder.probe.query(sql).await?.filter(|given| *given != wanted) else { return Ok(false) };
    if given > 0 && given == parents.len() {
        return Ok(true);
    }
    let message = format!("the query gives {given} column(s), and the key has {wanted}");
    let mut help = format!("give one column for each of {}, in that order", names(binder.spec.key.iter().map(|it| it.text.as_str())));
    if !parents.is_empty() {
        let columns = parents.iter().filter_map(|index| binder.spec.key.get(*index)).map(|it| it.text.as_str());
        help = format!("{help}; or of {} alone, for the entries that the elements are in", names(columns));
    }
    binder.probe.complaints.add(sql.at, message, Some(help));
    Ok(false)
}

/// Checks that the key of a parent can be made without knowing an element of it.
async fn parents(
    binder: &mut Binder<'_, '_>,
    soroban: &Soroban,
    columns: Option<Vec<usize>>,
    by_query: bool,
) -> Result<Option<BoundParents>, sqlx::Error> {
    let Some(columns) = columns.filter(|_| soroban.element.is_some()) else { return Ok(None) };
    let known: Vec<_> = columns.iter().filter_map(|index| binder.table.column(&binder.spec.key.get(*index)?.text).cloned()).collect();
    let arguments = KeyTemplate::holes(&soroban.entry);
    if known.len() < columns.len() {
        return Ok(None);
    }
    let scope = Scope {
        from: format!("FROM (SELECT {} FROM {} AS it) AS db", columns_of(&known, "it"), binder.table.sql()),
        help: format!(
            "where parents are enumerated, `entry` may use what tells them apart only ({}); else enumerate whole keys by `{{ sql = … }}`",
            names(known.iter().map(|it| it.name.as_str()))
        ),
    };
    for argument in arguments.iter().filter_map(|index| soroban.arguments.get(*index)) {
        binder.probe.shape(&argument.sql, &scope).await?;
    }
    Ok(Some(BoundParents { columns, arguments, by_query }))
}
