//! The contestants that are written for Node.js, installed beside what cargo builds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use tokio::process::Command;

use crate::machine::said;

/// The oldest Node.js that the packages and scripts work with.
const OLDEST_NODE: u32 = 20;
const FOLDER: &str = "bench-node";
const FILES: [(&str, &str); 4] = [
    ("package.json", include_str!("../node/package.json")),
    ("package-lock.json", include_str!("../node/package-lock.json")),
    ("graphile.mjs", include_str!("../node/graphile.mjs")),
    ("bullmq.mjs", include_str!("../node/bullmq.mjs")),
];

/// Where the packages are installed.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    folder: PathBuf,
}

impl Node {
    /// Installs what the lock file names; none, with a line that says so, where there is no Node.js.
    pub(crate) async fn install(target: &Path) -> anyhow::Result<Option<Self>> {
        let version =
            said("node", &["--version"]).and_then(|version| version.trim_start_matches('v').split('.').next()?.parse::<u32>().ok());
        if version.is_none_or(|version| version < OLDEST_NODE) || said("npm", &["--version"]).is_none() {
            println!("SKIPPED: graphile-worker and BullMQ, because there is no Node.js {OLDEST_NODE} or newer with npm.");
            return Ok(None);
        }
        let folder = target.join(FOLDER);
        std::fs::create_dir_all(&folder)?;
        for (name, text) in FILES {
            std::fs::write(folder.join(name), text)?;
        }
        // Not `npm ci`: it refuses where a registry lacks what is meant for another platform.
        let installed = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"])
            .current_dir(&folder)
            .output()
            .await
            .context("cannot run npm")?;
        ensure!(
            installed.status.success(),
            "`npm install` failed; it needs a package registry:\n{}",
            String::from_utf8_lossy(&installed.stderr)
        );
        Ok(Some(Self { folder }))
    }

    /// A script of ours.
    pub(crate) fn command(&self, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("node");
        command.arg(script).args(arguments).current_dir(&self.folder);
        command
    }
}
