//! Keeps the server's process: started, ended with its owner, and waited for.
//!
//! The kernel is asked to end the server when the thread that started it dies (`setpriv --pdeathsig`), so that
//! not even a SIGKILL of the owner leaves a server behind. That is why the process is started by a thread of
//! its own, which lives exactly as long as the server should.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;

use crate::Error;

/// Whom the server's programs run as.
#[derive(Clone, Copy)]
pub(crate) struct Identity {
    /// The user and group ids to drop to; none when this process is not root.
    pub(crate) drop_to: Option<(u32, u32)>,
}

impl Identity {
    pub(crate) fn find() -> Result<Self, Error> {
        if id(&["-u"]) != Some(0) {
            return Ok(Self { drop_to: None });
        }
        match (id(&["-u", "postgres"]), id(&["-g", "postgres"])) {
            (Some(user), Some(group)) => Ok(Self { drop_to: Some((user, group)) }),
            _ => Err(Error::NoUnprivilegedUser),
        }
    }

    pub(crate) fn command(self, program: &Path) -> Command {
        match self.drop_to {
            None => Command::new(program),
            Some((user, group)) => {
                let mut command = Command::new("setpriv");
                command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups").arg("--").arg(program);
                command
            }
        }
    }

    /// Like [`Self::command`], and the kernel sends SIGQUIT (an immediate shutdown) when the starting thread dies. A
    /// shell has what it starts in the background ignore SIGQUIT, and Redis would go on doing so.
    fn bound_command(self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig=QUIT");
        if let Some((user, group)) = self.drop_to {
            command.arg(format!("--reuid={user}")).arg(format!("--regid={group}")).arg("--clear-groups");
        }
        command.args(["--", "env", "--default-signal=QUIT"]).arg(program);
        command
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// A running server.
pub(crate) struct Keeper {
    stop: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
    /// The process id of the postmaster.
    pub(crate) pid: u32,
}

impl Keeper {
    pub(crate) fn start(identity: Identity, program: &Path, arguments: Vec<String>, log: &Path) -> Result<Self, Error> {
        let log = std::fs::File::create(log).map_err(Error::io("cannot create the server's log"))?;
        let log_too = log.try_clone().map_err(Error::io("cannot share the server's log"))?;
        let mut command = identity.bound_command(program);
        command.args(arguments).stdin(Stdio::null()).stdout(log).stderr(log_too);
        let (stop, stopped) = mpsc::channel();
        let (started, pid) = mpsc::channel();
        let thread = std::thread::spawn(move || match command.spawn() {
            Err(error) => drop(started.send(Err(error))),
            Ok(child) => {
                let _ = started.send(Ok(child.id()));
                // Ends when the owner says so, or is gone.
                let _ = stopped.recv();
                end(child);
            }
        });
        let pid = pid
            .recv()
            .unwrap_or_else(|_| Err(std::io::Error::other("the thread that starts it died")))
            .map_err(Error::io("cannot start the Postgres server (through `setpriv`, of Debian's util-linux)"))?;
        Ok(Self { stop, thread: Some(thread), pid })
    }

    pub(crate) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
            && std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).is_ok_and(|stat| !stat.contains(") Z "))
    }
}

/// SIGQUIT is Postgres' immediate shutdown: the postmaster takes its children with it. SIGKILL would orphan them.
fn end(mut child: Child) {
    let _ = Command::new("kill").args(["-QUIT", &child.id().to_string()]).status();
    let _ = child.wait();
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
