//! A job as Redis holds it.
//!
//! `[id,chunk,priority,"key"]`, and for one that has more to it `[id,chunk,priority,"key","payload",[suspicion,crashes,
//! failures,looks]]`. What the jobs of a chunk have in common stands once, in the chunk's [`Header`]. The scripts read
//! the first three numbers and hand the rest on as it is.

use serde::{Deserialize, Serialize};

use crate::job::{GroupId, JobId};

/// What is known of the tries of a job: suspicion, crashes, failures, looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tries(pub(super) i16, pub(super) i32, pub(super) i32, pub(super) i32);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Record {
    pub(super) id: JobId,
    pub(super) chunk: i64,
    pub(super) priority: i16,
    pub(super) key: String,
    /// JSON text.
    #[serde(default)]
    pub(super) payload: Option<String>,
    #[serde(default)]
    pub(super) tries: Tries,
}

/// What the jobs of a chunk have in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) group: GroupId,
    pub(super) task: String,
    pub(super) kind: String,
    pub(super) trace: Option<String>,
}

// === impl Record ===

impl Record {
    pub(super) fn to_text(&self) -> Result<String, serde_json::Error> {
        let Self { id, chunk, priority, key, payload, tries } = self;
        if payload.is_none() && *tries == Tries::default() {
            serde_json::to_string(&(id, chunk, priority, key))
        } else {
            serde_json::to_string(&(id, chunk, priority, key, payload, tries))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_no_more_than_it_must_and_is_read_as_it_was_written() {
        let fresh =
            Record { id: JobId(7), chunk: 2, priority: -1, key: "it's \"quoted\" 🦀".to_owned(), payload: None, tries: Tries::default() };
        assert_eq!(fresh.to_text().unwrap(), "[7,2,-1,\"it's \\\"quoted\\\" 🦀\"]");
        let tried = Record { payload: Some("{\"plan\": 3}".to_owned()), tries: Tries(1, 2, 3, 4), ..fresh.clone() };
        for record in [fresh, tried] {
            let read: Record = serde_json::from_str(&record.to_text().unwrap()).unwrap();
            assert_eq!(read, record);
        }
    }
}
