//! On what was measured.

use std::process::{Command, Stdio};

use crate::table::Section;

/// What `/proc` and the programs say of themselves.
pub(crate) fn describe(postgres: &str) -> Section {
    let mut section = Section::new("machine", &["", "is"]);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let rows = [
        ("processor", line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())),
        ("cores", cores.to_string()),
        ("memory", line_of("/proc/meminfo", "MemTotal").unwrap_or_default()),
        ("kernel", std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()),
        ("load before", load()),
        ("Postgres", postgres.to_owned()),
        ("Redis", said("redis-server", &["--version"]).unwrap_or_else(|| "none".to_owned())),
        ("Node.js", said("node", &["--version"]).unwrap_or_else(|| "none".to_owned())),
        ("apalis-postgres, apalis-redis", "1.0.0, 1.0.0 (Cargo.lock)".to_owned()),
        ("npm packages", "crates/bench/node/package-lock.json".to_owned()),
        ("trueup", format!("{}{}", env!("CARGO_PKG_VERSION"), if cfg!(debug_assertions) { ", not optimized" } else { "" })),
    ];
    for (name, value) in rows {
        section.row(vec![name.to_owned(), value]);
    }
    section
}

/// The load averages, for readers who want to know whether the machine was quiet.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// What follows `name :` in such a file.
fn line_of(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let (_, value) = text.lines().find(|line| line.starts_with(name))?.split_once(':')?;
    Some(value.trim().to_owned())
}

/// The first line that a program prints; none if there is no such program.
pub(crate) fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.lines().next().unwrap_or_default().trim().to_owned())
}
