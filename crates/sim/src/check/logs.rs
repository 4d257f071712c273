//! What the processes wrote about themselves.

use std::path::Path;

/// Lines of a panic that are shown.
const LINES: usize = 3;

/// No process may panic, whatever happens to it.
pub(crate) fn panics(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut wrongs = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            if let Some(at) = text.find("panicked at") {
                let lines: Vec<&str> = text[at..].lines().take(LINES).collect();
                wrongs.push(format!("{}: {}", path.display(), lines.join(" ")));
            }
        }
    }
    Ok(wrongs)
}
