//! How a child and its parent talk: the child says `ready`, waits for `go`, says `ended N` as its jobs end, and goes
//! when its input is closed.

use std::io::Write;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

pub(crate) struct Stage {
    input: Lines<BufReader<Stdin>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { input: BufReader::new(tokio::io::stdin()).lines() }
    }

    /// Says that everything is set up, with what the parent must know; returns when the clock runs.
    pub(crate) async fn ready(&mut self, what: &str) -> anyhow::Result<()> {
        say(&format!("ready {what}"))?;
        let line = self.input.next_line().await?;
        anyhow::ensure!(line.as_deref() == Some("go"), "expected `go`, got {line:?}");
        Ok(())
    }

    /// Returns when the parent has seen enough, or is gone.
    pub(crate) async fn until_closed(&mut self) -> anyhow::Result<()> {
        while self.input.next_line().await.context("the parent's words")?.is_some() {}
        Ok(())
    }
}

/// Says that this many more have ended.
pub(crate) fn ended(count: u64) -> std::io::Result<()> {
    say(&format!("ended {count}"))
}

fn say(line: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}")?;
    output.flush()
}
