//! Specs from files and folders.

use std::path::PathBuf;

use tempfile::TempDir;
use trueup_spec::{Spec, SpecErrors, load};

const CONTRACT: &str = "CDLZFC3SYJYDZT7K67VZ75HPJVIEUVNIXF47ZG2FB2RMQQVU2HHGCYSC";

fn spec(kind: &str) -> String {
    format!(
        "kind = \"{kind}\"\ntable = \"x\"\nkey = \"id\"\n[chain]\nsource = \"soroban\"\ncontract = \"{CONTRACT}\"\nentry = [{{ u64 = \"id\" }}]\n\
         [values]\nv = {{ path = \"\", type = \"numeric\" }}\n[[field]]\ncolumn = \"v\"\nvalue = \"v\"\n"
    )
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn load_all(paths: &[PathBuf]) -> Result<Vec<Spec>, SpecErrors> {
    load(paths, &|_| None)
}

fn message(folder: &TempDir, paths: &[PathBuf]) -> String {
    let errors = load_all(paths).expect_err("an error").to_string();
    errors.replace(&folder.path().display().to_string(), "specs")
}

#[test]
fn a_folder_is_its_toml_files_sorted_by_kind() {
    let folder = folder(&[("1.toml", &spec("loan")), ("2.toml", &spec("account")), ("notes.md", "not a spec")]);
    std::fs::create_dir(folder.path().join("more.toml")).expect("a folder");
    let specs = load_all(&[folder.path().to_owned()]).expect("specs");
    assert_eq!(specs.iter().map(|spec| spec.kind.0.as_str()).collect::<Vec<_>>(), ["account", "loan"]);
}

#[test]
fn a_file_that_is_named_twice_is_one_spec() {
    let folder = folder(&[("loan.toml", &spec("loan"))]);
    let specs = load_all(&[folder.path().to_owned(), folder.path().join("loan.toml")]).expect("specs");
    assert_eq!(specs.len(), 1);
}

#[test]
fn two_specs_of_one_kind_name_both_files() {
    let folder = folder(&[("a.toml", &spec("loan")), ("b.toml", &spec("loan"))]);
    insta::assert_snapshot!(message(&folder, &[folder.path().to_owned()]), @r#"
    specs/b.toml:1:9: the kind `loan` is already that of specs/a.toml
      |
    1 | kind = "loan"
      |         ^
      = help: give each spec a kind of its own
    "#);
}

#[test]
fn a_folder_without_specs_says_what_to_put_there() {
    let folder = folder(&[("notes.md", "")]);
    insta::assert_snapshot!(message(&folder, &[folder.path().to_owned()]), @r#"
    specs: the folder has no specs
     = help: put a spec into it, a file whose name ends in `.toml`; folders inside it are not looked into
    "#);
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let folder = folder(&[]);
    insta::assert_snapshot!(message(&folder, &[folder.path().join("loan.toml")]), @r#"
    specs/loan.toml: there is no such file or folder
     = help: check the path; it is relative to the working directory
    "#);
}

#[test]
fn no_path_at_all_says_what_to_name() {
    insta::assert_snapshot!(load_all(&[]).expect_err("an error"), @r#"
    specs: no file or folder was named
     = help: name at least one spec file, or a folder of them
    "#);
}

#[test]
fn a_file_that_is_not_text_says_so() {
    let folder = folder(&[]);
    let file = folder.path().join("loan.toml");
    std::fs::write(&file, b"kind = \"\xff\"").expect("a file");
    insta::assert_snapshot!(message(&folder, &[file]), @r#"
    specs/loan.toml: is not UTF-8 text, from byte 8
     = help: save it as UTF-8
    "#);
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = folder(&[("loan.toml", &"#".repeat(256 * 1024 + 1))]);
    insta::assert_snapshot!(message(&folder, &[folder.path().to_owned()]), @r#"
    specs/loan.toml: the file has 262145 bytes; a spec has at most 262144
     = help: name a spec file
    "#);
}

#[test]
fn a_file_of_the_largest_size_is_read() {
    let spec = spec("loan");
    let folder = folder(&[("loan.toml", &format!("{spec}{}", "#".repeat(256 * 1024 - spec.len())))]);
    assert_eq!(load_all(&[folder.path().to_owned()]).map(|specs| specs.len()), Ok(1));
}

#[test]
fn the_errors_of_all_files_are_reported() {
    let folder = folder(&[("a.toml", "kind"), ("b.toml", "kind")]);
    let errors = load_all(&[folder.path().to_owned()]).expect_err("errors");
    assert_eq!(errors.0.len(), 2);
}

#[test]
fn the_specs_to_start_from_are_valid() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs/lending");
    match load(&[folder], &|_| Some(CONTRACT.to_owned())) {
        Ok(specs) => assert!(!specs.is_empty()),
        Err(errors) => panic!("{errors}"),
    }
}
