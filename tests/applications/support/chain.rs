//! `trueup devnet --load` as a child process.

use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
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
    /// Makes the chain misbehave, as its `POST /faults` takes it.
    pub async fn faults(&self, faults: &Value) {
        let (host, body) = (self.url.trim_start_matches("http://"), faults.to_string());
        let mut stream = TcpStream::connect(host).await.expect("the chain serves");
        let head = format!(
            "POST /faults HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close",
            body.len()
        );
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    }

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
