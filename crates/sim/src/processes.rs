//! The processes of trueup: started, watched, killed, frozen, and started again.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::story::Story;

/// How long anything may take that has to end.
const END_LIMIT: Duration = Duration::from_secs(90);
/// A process that ended by itself is started again after this.
const RESTART_AFTER: Duration = Duration::from_millis(300);
/// How long after its start a process may not listen to signals yet, on a busy machine.
const DEAF_FOR: Duration = Duration::from_secs(2);
const SIGTERM: i32 = 15;
/// What would go before the configuration of a deployment.
const CONFIGURING: [&str; 7] =
    ["DATABASE_URL", "TRUEUP_RPC_URL", "TRUEUP_NETWORK_PASSPHRASE", "TRUEUP_SPECS", "TRUEUP_CONFIG", "TRUEUP_QUEUE", "TRUEUP_REDIS_URL"];
/// Where Debian's `libfaketime` puts its library, below `/usr/lib`.
const FAKETIME: &str = "faketime/libfaketime.so.1";

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Detect,
    Repair,
}

impl Mode {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Repair => "repair",
        }
    }
}

/// The program, with its configuration.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) path: PathBuf,
    /// Holds `trueup.toml`, `quiet.toml` (without schedules), `guarded.toml` (the same, with a tight guard), specs and logs.
    pub(crate) folder: PathBuf,
    pub(crate) faketime: Option<PathBuf>,
    pub(crate) story: Story,
}

// === impl Program ===

impl Program {
    fn command(&self, name: &str, config: &str, arguments: &[&str], clock_off_secs: i64) -> anyhow::Result<Command> {
        let log = |stream: &str| {
            let path = self.folder.join(format!("{name}.{stream}.log"));
            std::fs::File::options().create(true).append(true).open(&path).with_context(|| path.display().to_string())
        };
        let mut command = Command::new(&self.path);
        command.args(arguments).arg("--config").arg(self.folder.join(config)).current_dir(&self.folder);
        for variable in CONFIGURING {
            command.env_remove(variable);
        }
        if let (Some(library), true) = (&self.faketime, clock_off_secs != 0) {
            command.env("LD_PRELOAD", library).env("FAKETIME", format!("{clock_off_secs:+}s")).env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command.stdin(Stdio::null()).stdout(log("out")?).stderr(log("err")?).kill_on_drop(true);
        Ok(command)
    }

    /// Runs a command to its end; it may be killed after a while.
    pub(crate) async fn operate(&self, arguments: &[&str], kill_after: Option<Duration>) -> anyhow::Result<()> {
        let mut child = self.command("operator", "quiet.toml", arguments, 0)?.spawn()?;
        let limit = kill_after.unwrap_or(END_LIMIT);
        match timeout(limit, child.wait()).await {
            Ok(status) => self.story.tell(format!("`trueup {}` ended: {}", arguments.join(" "), said(status?))),
            Err(_) if kill_after.is_some() => child.kill().await?,
            Err(_) => bail!("`trueup {}` did not end within {} s", arguments.join(" "), limit.as_secs()),
        }
        Ok(())
    }

    /// Runs a command in peace, and gives back its exit code.
    pub(crate) async fn code(&self, arguments: &[&str]) -> anyhow::Result<i32> {
        self.code_of("quiet.toml", arguments).await
    }

    /// The same, with another configuration.
    pub(crate) async fn code_of(&self, config: &str, arguments: &[&str]) -> anyhow::Result<i32> {
        let mut child = self.command("sweep", config, arguments, 0)?.spawn()?;
        let status = timeout(END_LIMIT, child.wait())
            .await
            .map_err(|_| anyhow::anyhow!("`trueup {}` did not end within {} s", arguments.join(" "), END_LIMIT.as_secs()))??;
        self.story.tell(format!("`trueup {}` ended: {}", arguments.join(" "), said(status)));
        status.code().with_context(|| format!("`trueup {}` was killed", arguments.join(" ")))
    }
}

/// Where the library is that shifts a process's clock, if it is installed.
pub(crate) fn find_faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten().map(|entry| entry.path());
    folders.chain([PathBuf::from("/usr/lib")]).map(|folder| folder.join(FAKETIME)).find(|path| Path::exists(path))
}

struct Member {
    name: String,
    role: &'static str,
    config: &'static str,
    clock_off_secs: i64,
    child: Option<Child>,
    /// When it was started last.
    started: Option<Instant>,
    /// When it is started again.
    due: Option<Instant>,
    /// When it thaws.
    frozen: Option<Instant>,
    is_stopping: bool,
}

/// Workers and schedulers.
pub(crate) struct Fleet {
    program: Program,
    members: Vec<Member>,
    is_closing: bool,
}

// === impl Fleet ===

impl Fleet {
    pub(crate) fn start(program: Program, workers: usize, schedulers: usize, clocks_off_secs: &[i64]) -> anyhow::Result<Self> {
        let mut fleet = Self { program, members: Vec::new(), is_closing: false };
        for index in 0..workers + schedulers {
            let role = if index < workers { "worker" } else { "scheduler" };
            let off = clocks_off_secs.get(index).copied().unwrap_or_default();
            fleet.add(format!("{role}-{index}"), role, "trueup.toml", off)?;
        }
        Ok(fleet)
    }

    fn add(&mut self, name: String, role: &'static str, config: &'static str, clock_off_secs: i64) -> anyhow::Result<()> {
        self.members.push(Member {
            name,
            role,
            config,
            clock_off_secs,
            child: None,
            started: None,
            due: None,
            frozen: None,
            is_stopping: false,
        });
        let last = self.members.len() - 1;
        self.launch(last)
    }

    fn launch(&mut self, who: usize) -> anyhow::Result<()> {
        let member = &mut self.members[who];
        let mut command = self.program.command(&member.name, member.config, &[member.role], member.clock_off_secs)?;
        command.env("TRUEUP_WORKER_NAME", &member.name);
        member.child = Some(command.spawn()?);
        member.started = Some(Instant::now());
        (member.due, member.frozen, member.is_stopping) = (None, None, false);
        Ok(())
    }

    pub(crate) async fn kill(&mut self, who: usize, down_ms: u64) -> anyhow::Result<()> {
        let member = &mut self.members[who];
        if let Some(mut child) = member.child.take() {
            child.kill().await?;
        }
        member.due = Some(Instant::now() + Duration::from_millis(down_ms));
        Ok(())
    }

    /// It is started again when it has ended.
    pub(crate) fn terminate(&mut self, who: usize, down_ms: u64) -> anyhow::Result<()> {
        self.thaw(who)?;
        let member = &mut self.members[who];
        // Asked a second time it would end at once, in the midst of what it holds, as by SIGKILL.
        if member.is_stopping {
            return Ok(());
        }
        member.is_stopping = signal(member.child.as_ref(), "TERM")?;
        if member.is_stopping {
            member.due = Some(Instant::now() + Duration::from_millis(down_ms));
        }
        Ok(())
    }

    pub(crate) fn freeze(&mut self, who: usize, ms: u64) -> anyhow::Result<()> {
        let member = &mut self.members[who];
        if signal(member.child.as_ref(), "STOP")? {
            member.frozen = Some(Instant::now() + Duration::from_millis(ms));
        }
        Ok(())
    }

    fn thaw(&mut self, who: usize) -> anyhow::Result<()> {
        if self.members[who].frozen.take().is_some() {
            signal(self.members[who].child.as_ref(), "CONT")?;
        }
        Ok(())
    }

    /// Thaws, notices who has ended, and starts again whoever is due.
    pub(crate) fn look_after(&mut self) -> anyhow::Result<()> {
        let now = Instant::now();
        for who in 0..self.members.len() {
            if self.members[who].frozen.is_some_and(|until| until <= now) {
                self.thaw(who)?;
            }
            let member = &mut self.members[who];
            if let Some(status) = member.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                self.program.story.tell(format!("{} ended: {}", member.name, said(status)));
                // One that is told to stop while it starts under faults ends with their error, as it would unasked; and
                // one that has hardly begun does not listen yet.
                let is_young = member.started.is_some_and(|started| now - started < DEAF_FOR);
                let is_well =
                    !member.is_stopping || status.success() || status.code() == Some(1) || is_young && status.signal() == Some(SIGTERM);
                ensure!(is_well, "{} was told to stop and ended with {}", member.name, said(status));
                member.child = None;
                member.due.get_or_insert(now + RESTART_AFTER);
            }
            if member.child.is_none() && !self.is_closing && member.due.is_some_and(|due| due <= now) {
                self.launch(who)?;
            }
        }
        Ok(())
    }

    /// Ends the schedulers, so that no run begins any more; one without schedules goes on looking after what is there.
    pub(crate) fn begin_no_more_runs(&mut self) -> anyhow::Result<()> {
        for who in 0..self.members.len() {
            self.thaw(who)?;
            if self.members[who].role == "scheduler" {
                // Killed, and not asked, or not any more: what it was at is for others to finish.
                self.members[who].config = "quiet.toml";
                self.members[who].is_stopping = false;
                if let Some(child) = &mut self.members[who].child {
                    child.start_kill()?;
                }
            }
        }
        Ok(())
    }

    /// Asks all to stop, and waits until they have.
    pub(crate) async fn close(&mut self) -> anyhow::Result<()> {
        self.is_closing = true;
        for who in 0..self.members.len() {
            self.thaw(who)?;
            signal(self.members[who].child.as_ref(), "TERM")?;
        }
        for member in &mut self.members {
            let Some(mut child) = member.child.take() else { continue };
            let status = timeout(END_LIMIT, child.wait()).await.map_err(|_| anyhow::anyhow!("{} does not stop", member.name))??;
            ensure!(status.success(), "{} was told to stop and ended with {}", member.name, said(status));
        }
        Ok(())
    }
}

/// Sends a signal to a process that lives; false if there is none.
fn signal(child: Option<&Child>, name: &str) -> anyhow::Result<bool> {
    let Some(pid) = child.and_then(Child::id) else { return Ok(false) };
    // One that ended this moment takes no signal.
    Ok(std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).stderr(Stdio::null()).status()?.success())
}

fn said(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}
