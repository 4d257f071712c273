//! Snapshots: one JSON object a line, with `key` and `xdr` in base64,
//! `lastModifiedLedgerSeq` and `liveUntilLedgerSeq`. Other fields are ignored.

use crate::devnet::Devnet;
use crate::entries::StoredEntry;
use crate::error::Error;
use crate::xdr;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use stellar_xdr::{LedgerEntryData, LedgerKey};

/// The highest ledger that an entry of a snapshot can be of. Cursors have 31
/// bits for a ledger, and the chain must be able to go on.
const MAX_LEDGER: u32 = (1 << 31) - (1 << 20);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    key: String,
    xdr: String,
    last_modified_ledger_seq: u32,
    #[serde(default)]
    live_until_ledger_seq: Option<u32>,
}

impl Devnet {
    /// Loads the entries of a snapshot beside what is there, and goes on at a
    /// ledger above all of theirs. Returns how many there were. A snapshot with
    /// a bad line loads nothing.
    ///
    /// # Errors
    /// [`Error::Snapshot`] names the line; [`Error::Io`].
    pub fn load(&self, reader: impl BufRead) -> Result<usize, Error> {
        let mut loaded = Vec::new();
        let mut newest = 0;
        for (index, line) in reader.lines().enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let (key, entry) = parse(&line).map_err(|reason| Error::Snapshot { line: index + 1, reason })?;
            newest = newest.max(entry.last_modified);
            loaded.push((key, entry));
        }
        let count = loaded.len();
        let mut chain = self.chain();
        {
            let mut entries = chain.entries().write().unwrap_or_else(|e| e.into_inner());
            for (key, entry) in loaded {
                entries.load(&key, entry);
            }
        }
        let next = chain.latest().sequence.max(newest) + 1;
        chain.jump_to(next);
        Ok(count)
    }

    /// Writes every entry as a snapshot, in the order of the keys' bytes.
    /// Returns how many there were.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn dump(&self, mut writer: impl Write) -> Result<usize, Error> {
        let entries = self.read_entries(crate::entries::Entries::sorted);
        let count = entries.len();
        for (key, entry) in entries {
            let line = Line {
                key: xdr::base64(&key),
                xdr: xdr::base64(&entry.data),
                last_modified_ledger_seq: entry.last_modified,
                live_until_ledger_seq: entry.live_until,
            };
            serde_json::to_writer(&mut writer, &line).map_err(std::io::Error::from)?;
            writer.write_all(b"\n")?;
        }
        writer.flush()?;
        Ok(count)
    }
}

fn parse(line: &str) -> Result<(Vec<u8>, StoredEntry), String> {
    let line: Line = serde_json::from_str(line)
        .map_err(|error| format!("{error}; expected an object with key, xdr, lastModifiedLedgerSeq and liveUntilLedgerSeq"))?;
    if line.last_modified_ledger_seq > MAX_LEDGER {
        return Err(format!("lastModifiedLedgerSeq is {}, past the highest ledger ({MAX_LEDGER})", line.last_modified_ledger_seq));
    }
    let key_bytes = xdr::from_base64(&line.key).map_err(|e| format!("key is not base64: {e}"))?;
    let data = xdr::from_base64(&line.xdr).map_err(|e| format!("xdr is not base64: {e}"))?;
    let key: LedgerKey = xdr::read(&key_bytes).map_err(|e| format!("key is not the XDR of a LedgerKey: {e}"))?;
    let entry: LedgerEntryData = xdr::read(&data).map_err(|e| format!("xdr is not the XDR of a LedgerEntryData: {e}"))?;
    if entry.to_key() != key {
        return Err(format!("key is not the key of the entry in xdr, which is {}", xdr::to_base64(&entry.to_key())));
    }
    Ok((key_bytes, StoredEntry { data: data.into(), last_modified: line.last_modified_ledger_seq, live_until: line.live_until_ledger_seq }))
}
