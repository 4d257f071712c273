//! `trueup devnet --load` as a child process.

use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::program::PROGRAM;
use super::snapshot::Snapshot;

/// The passphrase of every chain here.
pub const PASSPHRASE: &str = "Somebody else's network ; 2026";

/// A chain that holds a snapshot, until it is dropped.
pub struct Chain {
    pub url: String,
    // Held for their lifetime.
    _process: Child,
    _folder: TempDir,
}

impl Chain {
    pub async fn serve(snapshot: &Snapshot) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("snapshot.jsonl");
        snapshot.write(&file);
        let mut process = Command::new(PROGRAM)
            .args(["devnet", "--port", "0", "--passphrase", PASSPHRASE, "--load"])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        let first = lines.next_line().await.expect("readable").expect("the devnet says where it serves");
        let said: Value = serde_json::from_str(&first).expect("the first line is JSON");
        Self { url: said["url"].as_str().expect("url").to_owned(), _process: process, _folder: folder }
    }
}
