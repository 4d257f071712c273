//! Who names an entity by hand or by a notification may name it wrongly.

use std::collections::BTreeMap;

use anyhow::bail;
use trueup_database::touches::{self, NamedBy, NewTouch, Origin};
use trueup_judge::EntityKind;

use crate::context::Context;
use crate::start::require_specs;

/// The longest name of an entity, in bytes: an index holds it.
const NAME_BYTES_MAX: usize = 2_000;

/// An entity as somebody names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedEntity {
    /// Its kind.
    pub kind: EntityKind,
    /// Whether `entity` is a row's identity or a chain key.
    pub named_by: NamedBy,
    /// The one or the other: a text, or of several columns a JSON array of texts.
    pub entity: String,
}

/// Touches entities: they are looked at within moments by whoever runs a scheduler and workers. Gives back the ids of
/// their touches, in their order. All of them, or none.
///
/// # Errors
/// A kind has no spec here, a name cannot be one; or what Postgres said.
pub async fn touch(context: &Context, entities: &[NamedEntity], origin: Origin) -> anyhow::Result<Vec<i64>> {
    let checked = check(context, entities).await?;
    let mut connection = context.pools.write.acquire().await?;
    Ok(touches::store(&mut connection, &checked, origin).await?)
}

async fn check(context: &Context, entities: &[NamedEntity]) -> anyhow::Result<Vec<NewTouch>> {
    let mut by_kind: BTreeMap<&EntityKind, Vec<(usize, &NamedEntity)>> = BTreeMap::new();
    for (place, entity) in entities.iter().enumerate() {
        by_kind.entry(&entity.kind).or_default().push((place, entity));
    }
    let mut checked: Vec<(usize, NewTouch)> = Vec::with_capacity(entities.len());
    for (name, entities) in by_kind {
        require_specs(context, std::slice::from_ref(name))?;
        let Some(kind) = context.kinds.get(name) else { continue };
        for (place, it) in &entities {
            if it.entity.is_empty() || it.entity.len() > NAME_BYTES_MAX || it.entity.contains('\0') {
                bail!("{name}: a key or row has 1 to {NAME_BYTES_MAX} bytes and no NUL");
            }
            let columns = match it.named_by {
                NamedBy::Row => kind.identity_columns(),
                NamedBy::Key => kind.spec().key.iter().map(|name| name.text.clone()).collect(),
            };
            let Some(parts) = parts(&it.entity, columns.len()) else {
                let what = if it.named_by == NamedBy::Row { "row" } else { "key" };
                bail!("`{}` is no {what} of kind `{name}`: write a JSON array with one text for each of {}", it.entity, columns.join(", "));
            };
            let entity = match it.named_by {
                NamedBy::Row if columns.len() == 1 => it.entity.clone(),
                // As Postgres prints it.
                NamedBy::Row => format!(
                    "[{}]",
                    parts.iter().map(|part| serde_json::Value::from(part.as_str()).to_string()).collect::<Vec<_>>().join(", ")
                ),
                NamedBy::Key => match kind.canonical_keys(&context.pools.read, &[parts]).await?.into_iter().flatten().next() {
                    Some(key) => key.0,
                    None => bail!("`{}` is no key of kind `{name}`: its key columns ({}) do not take it", it.entity, columns.join(", ")),
                },
            };
            checked.push((*place, NewTouch { kind: name.clone(), named_by: it.named_by, entity }));
        }
    }
    checked.sort_by_key(|(place, _)| *place);
    Ok(checked.into_iter().map(|(_, touch)| touch).collect())
}

fn parts(text: &str, columns: usize) -> Option<Vec<String>> {
    if columns == 1 {
        return Some(vec![text.to_owned()]);
    }
    let parts: Vec<String> = serde_json::from_str(text).ok()?;
    (parts.len() == columns).then_some(parts)
}
