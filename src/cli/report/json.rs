//! The document with its rows, written while they are read.
//!
//! Serializing is not async and reading is: the document is written on a thread of its own, which waits for each page.

use std::cell::RefCell;

use anyhow::Context as _;
use serde::ser::{Error as _, SerializeSeq};
use serde::{Serialize, Serializer};
use tokio::sync::mpsc;
use trueup_database::Pools;
use trueup_database::report::{DriftRow, RepairRow};
use trueup_judge::RunId;
use trueup_spec::Priority;
use trueup_workers::Document;

use super::super::output;
use super::rows::{Drifts, PAGE, Pages, Repairs};

/// Pages that wait to be written.
const PAGES_AHEAD: usize = 1;

/// What `--json` prints. See docs/report.md.
#[derive(Serialize)]
struct Full<'a> {
    #[serde(flatten)]
    document: &'a Document,
    drifts: Coming<DriftRow>,
    repairs: Coming<RepairRow>,
}

/// Writes the document with every drift, of a priority or above, and every repair. One that could not be read to its end
/// is cut off, and is no JSON.
pub(super) async fn write(pools: &Pools, document: &Document, at_least: Option<Priority>) -> anyhow::Result<()> {
    let run = RunId(document.run.id);
    let (to_drifts, drifts) = mpsc::channel(PAGES_AHEAD);
    let (to_repairs, repairs) = mpsc::channel(PAGES_AHEAD);
    let document = document.clone();
    let writing = tokio::task::spawn_blocking(move || {
        output::json(&Full { document: &document, drifts: Coming(RefCell::new(drifts)), repairs: Coming(RefCell::new(repairs)) })
    });
    let reading = async move {
        send(Drifts::of(pools, run, at_least), to_drifts).await?;
        send(Repairs::of(pools, run), to_repairs).await
    };
    let (read, written) = tokio::join!(reading, writing);
    read?;
    written.context("writing the report")?
}

/// Sends all pages, and an empty one as the end.
async fn send<P: Pages>(mut pages: P, to: mpsc::Sender<Vec<P::Row>>) -> anyhow::Result<()> {
    loop {
        let page = pages.next(PAGE).await?;
        let is_end = page.is_empty();
        // Nobody takes it where writing has failed, which is told by the writer.
        if to.send(page).await.is_err() || is_end {
            return Ok(());
        }
    }
}

/// Rows that are still being read.
struct Coming<T>(RefCell<mpsc::Receiver<Vec<T>>>);

impl<T: Serialize> Serialize for Coming<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pages = self.0.borrow_mut();
        let mut rows = serializer.serialize_seq(None)?;
        loop {
            match pages.blocking_recv() {
                Some(page) if page.is_empty() => return rows.end(),
                Some(page) => page.iter().try_for_each(|row| rows.serialize_element(row))?,
                None => return Err(S::Error::custom("its rows could not be read to their end")),
            }
        }
    }
}
