//! Where the server's programs are.

use std::path::{Path, PathBuf};

use crate::Error;

/// Debian keeps each major version in a folder of its own, off the `PATH`.
const DEBIAN_ROOT: &str = "/usr/lib/postgresql";

/// The folder that holds `initdb` and `postgres`: `PG_BINDIR`, else the newest of Debian's, else the `PATH`.
pub(crate) fn find() -> Result<PathBuf, Error> {
    let named = std::env::var_os("PG_BINDIR").map(PathBuf::from);
    named
        .into_iter()
        .chain(debian())
        .chain(std::env::var_os("PATH").iter().flat_map(std::env::split_paths))
        .find(|folder| has_server(folder))
        .ok_or(Error::NotInstalled)
}

fn has_server(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

fn debian() -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN_ROOT)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        .collect();
    versions.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    versions.into_iter().map(|(_, path)| path).collect()
}
