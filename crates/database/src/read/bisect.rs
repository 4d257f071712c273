use std::collections::BTreeMap;
use std::ops::Range;

use futures::future::BoxFuture;

use crate::error::{Blame, QUERY_CANCELED, blame, code};
use crate::{DatabaseError, RowError};

/// What a batch came to: index into the batch, and what that item came to. Items without an answer are left out.
pub(crate) type Answers<R> = Vec<(usize, Result<R, RowError>)>;

/// A view has no primary key to keep this from happening.
const SEVERAL_ROWS: &str = "several rows have this key, so that none of them is the row of the entry";

/// How many cancelled statements of one batch are halved. A row that takes too long is found by as many as the batch
/// has halves; more than a few such rows are not the rows' doing, and each costs the whole of `statement_timeout`.
const CANCELLED_MAX: usize = 32;

/// Runs a statement over a batch. If some item makes it fail, the batch is halved until that item stands alone with
/// its error, also one that makes it take too long: two statements for each halving, so that one bad item among n
/// costs about 2 log2 n. Answers come in the order of the batch, at most one an item.
///
/// # Errors
/// The statement failed and no item is to blame.
pub(crate) async fn bisect<'a, R, F>(count: usize, run: F) -> Result<Answers<R>, DatabaseError>
where
    F: Fn(Range<usize>) -> BoxFuture<'a, Result<Vec<(usize, R)>, sqlx::Error>>,
{
    let mut answers = BTreeMap::new();
    let mut cancelled = 0;
    let mut waiting: Vec<Range<usize>> = std::iter::once(0..count).collect();
    while let Some(range) = waiting.pop() {
        if range.is_empty() {
            continue;
        }
        match run(range.clone()).await {
            Ok(rows) => {
                for (index, row) in rows {
                    let row = if answers.contains_key(&index) { Err(RowError::new(SEVERAL_ROWS)) } else { Ok(row) };
                    answers.insert(index, row);
                }
            }
            Err(error) => {
                let is_cancelled = code(&error) == QUERY_CANCELED;
                cancelled += usize::from(is_cancelled);
                let is_of_a_row = matches!(blame(&error), Blame::Row) || is_cancelled && cancelled <= CANCELLED_MAX;
                if !is_of_a_row {
                    return Err(error.into());
                }
                if range.len() == 1 {
                    answers.insert(range.start, Err(RowError::from_sqlx(&error)));
                } else {
                    let middle = range.start + range.len() / 2;
                    waiting.push(middle..range.end);
                    waiting.push(range.start..middle);
                }
            }
        }
    }
    Ok(answers.into_iter().collect())
}
