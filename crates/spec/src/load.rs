//! Specs from files and folders.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::parse::{self, MAX_SPEC_BYTES};
use crate::{Position, Spec, SpecError, SpecErrors};

/// Loads the specs of files, and of the `*.toml` files directly in folders, sorted by kind.
///
/// # Errors
/// Every error of every file; also a path that is not there, a folder without specs, and two specs of one kind.
pub fn load(paths: &[PathBuf], environment: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Spec>, SpecErrors> {
    if paths.is_empty() {
        let help = "name at least one spec file, or a folder of them".to_owned();
        return Err(SpecError::of_file("specs", "no file or folder was named", Some(help)).into());
    }
    let mut errors = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        match list(path) {
            Ok(found) => files.extend(found),
            Err(error) => errors.push(error),
        }
    }
    let mut seen = BTreeSet::new();
    // A file that is named twice, by itself and by its folder, is one spec.
    files.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
    let mut specs: Vec<(Spec, Position)> = Vec::new();
    for file in files {
        match read(&file).and_then(|text| parse::parse(&file.display().to_string(), &text, environment)) {
            Ok(spec) => specs.push(spec),
            Err(found) => errors.extend(found),
        }
    }
    specs.sort_by(|(left, _), (right, _)| left.kind.cmp(&right.kind));
    for pair in specs.windows(2) {
        let [(first, _), (second, at)] = pair else { continue };
        if first.kind == second.kind {
            let message = format!("the kind `{}` is already that of {}", second.kind, first.file);
            errors.push(second.error_at(*at, message, Some("give each spec a kind of its own".to_owned())));
        }
    }
    if errors.is_empty() { Ok(specs.into_iter().map(|(spec, _)| spec).collect()) } else { Err(SpecErrors(errors)) }
}

/// The files that a path stands for.
fn list(path: &Path) -> Result<Vec<PathBuf>, SpecError> {
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => SpecError::of_file(
            &name,
            "there is no such file or folder",
            Some("check the path; it is relative to the working directory".to_owned()),
        ),
        _ => SpecError::of_file(&name, format!("cannot be read: {error}"), Some("check the permissions".to_owned())),
    };
    if !path.metadata().map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        let help = "put a spec into it, a file whose name ends in `.toml`; folders inside it are not looked into".to_owned();
        return Err(SpecError::of_file(&name, "the folder has no specs", Some(help)));
    }
    Ok(files)
}

fn read(file: &Path) -> Result<String, SpecErrors> {
    let name = file.display().to_string();
    let fail = |message: String, help: &str| SpecErrors::from(SpecError::of_file(&name, message, Some(help.to_owned())));
    let unreadable = |error: std::io::Error| fail(format!("cannot be read: {error}"), "check the permissions");
    let bytes = file.metadata().map_err(unreadable)?.len();
    if bytes > MAX_SPEC_BYTES as u64 {
        return Err(fail(format!("the file has {bytes} bytes; a spec has at most {MAX_SPEC_BYTES}"), "name a spec file"));
    }
    String::from_utf8(std::fs::read(file).map_err(unreadable)?)
        .map_err(|error| fail(format!("is not UTF-8 text, from byte {}", error.utf8_error().valid_up_to()), "save it as UTF-8"))
}
