//! This program as a child of itself, and the program `trueup` beside it.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use tokio::process::Command;

/// This program in a role of `roles/`.
pub(crate) fn command(role: &str, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("this program's own path")?);
    command.arg("role").arg(role).args(arguments);
    Ok(command)
}

/// Where cargo put this program and `trueup`.
fn folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("this program's own path")?;
    Ok(own.parent().context("a program is in a folder")?.to_owned())
}

/// Cargo's target folder.
pub(crate) fn target() -> anyhow::Result<PathBuf> {
    Ok(folder()?.parent().context("cargo's target folder")?.to_owned())
}

/// The program `trueup`, with nothing of this process' configuration.
pub(crate) fn trueup() -> anyhow::Result<Command> {
    let program = folder()?.join("trueup");
    ensure!(program.is_file(), "{} is not there: `make bench` builds it", program.display());
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TRUEUP_") || name == "DATABASE_URL" {
            command.env_remove(name);
        }
    }
    Ok(command)
}
