//! A child process that is measured: see `roles/stage.rs` for what it says.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long a child may take to set itself up: a million loans take a while.
const READY_LIMIT: Duration = Duration::from_secs(300);
/// How long any one measurement may take.
const RUN_LIMIT: Duration = Duration::from_secs(600);
/// How long a child may take to go once its input is closed, before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How often what a child has written is looked at, once it says that it is done.
const CHECK_EVERY: Duration = Duration::from_millis(5);

/// A child that was started; killed when it is dropped.
pub(crate) struct Contestant {
    name: String,
    child: Child,
    input: Option<ChildStdin>,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Contestant {
    pub(crate) fn start(name: &str, mut command: Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("its output is piped")?;
        let (sender, lines) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut output = BufReader::new(output).lines();
            while let Ok(Some(line)) = output.next_line().await {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { name: name.to_owned(), child, input, lines })
    }

    /// Waits until it is set up; returns what it says of itself.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<String> {
        let line = timeout(READY_LIMIT, self.lines.recv()).await.with_context(|| format!("{} does not get ready", self.name))?;
        match line.as_deref().and_then(|line| line.strip_prefix("ready")) {
            Some(what) => Ok(what.trim().to_owned()),
            None => bail!("{} said {line:?} where `ready` was expected; its errors stand above", self.name),
        }
    }

    pub(crate) async fn go(&mut self) -> anyhow::Result<()> {
        self.input.as_mut().context("it was not stopped")?.write_all(b"go\n").await.with_context(|| format!("{} is gone", self.name))
    }

    /// How many more have ended; none for what else it says.
    async fn ended(&mut self) -> anyhow::Result<Option<u64>> {
        let line = self.lines.recv().await.with_context(|| format!("{} ended before its jobs did", self.name))?;
        Ok(line.strip_prefix("ended ").and_then(|count| count.trim().parse().ok()))
    }

    /// Lets it go, and kills it if it does not.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.input.take());
        if timeout(STOP_LIMIT, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// Lets them all go at once, and returns how long it took until `done` finds everything where it belongs. `done` is
/// only asked once they say that `jobs` have ended; the clock stands at the moment at which its answer was asked for.
pub(crate) async fn race(
    contestants: &mut [Contestant],
    jobs: u64,
    mut done: impl AsyncFnMut() -> anyhow::Result<bool>,
) -> anyhow::Result<Duration> {
    ensure!(!contestants.is_empty(), "somebody must run");
    for contestant in contestants.iter_mut() {
        contestant.go().await?;
    }
    let started = Instant::now();
    let until_done = async {
        let mut ended = 0;
        while ended < jobs {
            let next = contestants.iter_mut().map(|contestant| Box::pin(contestant.ended()));
            let (count, _, _) = futures::future::select_all(next).await;
            ended += count?.unwrap_or_default();
        }
        loop {
            let asked = Instant::now();
            if done().await? {
                return anyhow::Ok(asked.duration_since(started));
            }
            tokio::time::sleep(CHECK_EVERY).await;
        }
    };
    timeout(RUN_LIMIT, until_done).await.with_context(|| format!("not done within {} s", RUN_LIMIT.as_secs()))?
}
