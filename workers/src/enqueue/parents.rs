//! Keys that are elements of entries: these, the parents, are read chunk by chunk while jobs are added, in full calls,
//! and each element that no row has becomes a job. The cursor is a parent, so that any process goes on.

use anyhow::Context as _;
use trueup_database::runs::{Cursor, KeyCursor, KindCursor, ParentCursor, ParentPlace};
use trueup_spec::{Enumerate, Soroban, Source};

use super::{Filling, Step};
use crate::elements::elements_below;
use crate::enumerate::{Keys, enumerate};
use crate::task::Task;

/// How many parents are read at a time: two full calls, and at the size of entries that the network allows no more than
/// a small machine has room for.
const PARENTS_PER_CHUNK: i64 = 398;

/// Parents that are next, and where the cursor stands after each.
struct Chunk {
    parents: Vec<(ParentPlace, Vec<String>)>,
    /// There are no more after these.
    is_last: bool,
}

impl Filling<'_> {
    /// Begins with parents: counted ones are a range, others come in the order of their texts.
    pub(super) async fn start_parents(
        &self,
        cursor: &Cursor,
        here: KindCursor,
        soroban: &Soroban,
        how: &Enumerate,
    ) -> anyhow::Result<Step> {
        let place = match how {
            Enumerate::Counter { .. } => match enumerate(self.context, soroban, how, 1).await? {
                Keys::Range { first, last } if last < first => ParentPlace::End,
                Keys::Range { first, last } => ParentPlace::Range { next: first, last },
                Keys::Unknown(why) => return self.gave_up(cursor, here, &why).await,
                Keys::List(_) | Keys::Query => anyhow::bail!("a counter counts"),
            },
            Enumerate::List { .. } | Enumerate::Query(_) | Enumerate::Elements => ParentPlace::After(None),
            Enumerate::Events(_) => anyhow::bail!("events name whole keys"),
        };
        self.moved(cursor, here, KeyCursor::Parents(ParentCursor::at(place)), None).await
    }

    /// Reads the next parents, and adds a job for each of their elements that no row has: as many parents at a time as
    /// fill a chunk of jobs.
    pub(super) async fn add_elements(&self, cursor: &Cursor, here: KindCursor, mut parents: ParentCursor) -> anyhow::Result<Step> {
        let Source::Soroban(soroban) = &self.kind.spec().source else { anyhow::bail!("only entries have elements") };
        let Chunk { parents: next, is_last } = match &parents.place {
            ParentPlace::End => return self.end_parents(cursor, here, &parents).await,
            ParentPlace::Range { next, last } => counted(*next, *last),
            ParentPlace::After(after) => match self.listed(soroban, after.as_deref()).await? {
                Ok(chunk) => chunk,
                Err(why) => return self.gave_up(cursor, here, &why).await,
            },
        };
        let limit = usize::try_from(self.context.settings.jobs_per_chunk)?;
        let (places, keys): (Vec<ParentPlace>, Vec<Vec<String>>) = next.into_iter().unzip();
        let below = elements_below(self.context, self.kind, soroban, &keys).await?;
        let mut cursor = cursor.clone();
        let mut found: Vec<Vec<String>> = Vec::new();
        let last = keys.len().checked_sub(1);
        for (index, ((place, parent), below)) in places.into_iter().zip(keys).zip(below).enumerate() {
            match below {
                Ok(elements) => found.extend(elements),
                Err(why) => {
                    parents.unread += 1;
                    parents.first_unread.get_or_insert(if parent.is_empty() { why } else { format!("{}: {why}", parent.join(", ")) });
                }
            }
            let is_end = Some(index) == last;
            parents.place = if is_end && is_last { ParentPlace::End } else { place };
            if !is_end && found.len() < limit {
                continue;
            }
            match self.add_found(&cursor, &here, &parents, &std::mem::take(&mut found)).await? {
                Step::Moved(next) => cursor = next,
                step => return Ok(step),
            }
        }
        if last.is_none() {
            let ended = KeyCursor::Parents(ParentCursor { place: ParentPlace::End, ..parents });
            return self.moved(&cursor, here, ended, None).await;
        }
        Ok(Step::Moved(cursor))
    }

    async fn add_found(&self, cursor: &Cursor, here: &KindCursor, parents: &ParentCursor, found: &[Vec<String>]) -> anyhow::Result<Step> {
        let keys = KeyCursor::Parents(parents.clone());
        if found.is_empty() {
            return self.moved(cursor, here.clone(), keys, None).await;
        }
        self.add(cursor, Task::Discover, self.kind.missing_of_list(found), |_| KindCursor { keys, ..here.clone() }).await
    }

    async fn end_parents(&self, cursor: &Cursor, here: KindCursor, parents: &ParentCursor) -> anyhow::Result<Step> {
        let note = parents.first_unread.as_ref().map(|first| {
            let count = parents.unread;
            format!("{}: rows that are missing below {count} of the entries were not looked for; the first of these: {first}", self.name)
        });
        self.moved(cursor, here, KeyCursor::Done, note.as_deref()).await
    }

    /// Parents of a list or query after one; or why they cannot be known.
    async fn listed(&self, soroban: &Soroban, after: Option<&str>) -> anyhow::Result<Result<Chunk, String>> {
        let columns = soroban.parent_columns(&self.kind.spec().key).context("parents are told apart by key columns")?.len();
        let how = soroban.enumerate.as_ref().context("parents are enumerated")?;
        let limit = usize::try_from(PARENTS_PER_CHUNK)?;
        let listed = match enumerate(self.context, soroban, how, columns).await? {
            Keys::Unknown(why) => return Ok(Err(why)),
            Keys::Range { .. } => anyhow::bail!("counted parents are a range"),
            Keys::Query => self
                .kind
                .parents_of_query(&self.context.pools().read, after, PARENTS_PER_CHUNK)
                .await?
                .context("the query gives parents")?,
            Keys::List(parents) => {
                // A list may have changed since the last chunk; the order of its texts has not.
                let mut listed = Vec::with_capacity(parents.len());
                for parent in parents {
                    listed.push((serde_json::to_string(&parent)?, parent));
                }
                listed.sort_unstable();
                listed.dedup();
                listed.retain(|(text, _)| after.is_none_or(|after| text.as_str() > after));
                listed.truncate(limit);
                listed
            }
        };
        let is_last = listed.len() < limit;
        let parents = listed.into_iter().map(|(text, parent)| (ParentPlace::After(Some(text)), parent)).collect();
        Ok(Ok(Chunk { parents, is_last }))
    }
}

fn counted(next: i64, last: i64) -> Chunk {
    let end = next.saturating_add(PARENTS_PER_CHUNK - 1).min(last);
    let parents = (next..=end).map(|parent| (ParentPlace::Range { next: parent.saturating_add(1), last }, vec![parent.to_string()]));
    Chunk { parents: parents.collect(), is_last: end == last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counted_parents_are_read_in_chunks_up_to_the_last() {
        let chunk = counted(1, 500);
        assert_eq!((chunk.parents.len(), chunk.is_last), (398, false));
        assert_eq!(chunk.parents[397], (ParentPlace::Range { next: 399, last: 500 }, vec!["398".to_owned()]));
        let chunk = counted(399, 500);
        assert_eq!((chunk.parents.len(), chunk.is_last), (102, true));
    }
}
