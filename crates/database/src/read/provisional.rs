use crate::bind::Bound;

/// Whether a row that is not exempt is provisional; none if the spec knows no such rows.
pub(crate) fn provisional_rows(bound: &Bound) -> Option<String> {
    let when = bound.provisional.as_ref()?;
    let filter = bound.filter.as_deref().unwrap_or("true");
    let table = bound.table.sql();
    Some(format!("SELECT EXISTS (SELECT FROM {table} AS db WHERE CASE WHEN (\n{filter}\n) THEN (\n{when}\n) ELSE false END)"))
}
