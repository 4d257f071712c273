//! Snapshot files with each sort of bad line: none of them is served in part.

use std::path::Path;
use std::process::Command;

use crate::applications::support::program::{Ended, PROGRAM};
use crate::bad_input::bank::chain;

fn serve(file: &Path) -> Ended {
    Ended::of(Command::new(PROGRAM).args(["devnet", "--port", "0", "--load"]).arg(file).output().expect("the program starts"))
}

#[track_caller]
fn refused(line: &str, parts: &[&str]) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("state.jsonl");
    std::fs::write(&file, format!("{}\n\n{line}\n", chain().lines().join("\n"))).expect("written");
    let ended = serve(&file).refused(&["state.jsonl", "line 5"]).refused(parts);
    assert_eq!(ended.out, "", "nothing is served");
}

fn line(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let mut line: serde_json::Value = serde_json::from_str(&chain().lines()[0]).expect("JSON");
    change(&mut line);
    line.to_string()
}

#[test]
fn lines_that_are_no_objects_or_lack_something() {
    refused("not json", &["expected an object with key, xdr, lastModifiedLedgerSeq"]);
    refused("{}", &["missing field `key`"]);
    refused(&line(|it| *it = serde_json::json!([1])), &["expected an object"]);
    refused(&line(|it| drop(it.as_object_mut().expect("an object").remove("xdr"))), &["missing field `xdr`"]);
}

#[test]
fn lines_whose_xdr_is_none() {
    refused(&line(|it| it["key"] = "!!".into()), &["key is not base64"]);
    refused(&line(|it| it["xdr"] = "!!".into()), &["xdr is not base64"]);
    refused(&line(|it| it["key"] = "AAAA".into()), &["key is not the XDR of a LedgerKey"]);
    refused(&line(|it| it["xdr"] = "AAAA".into()), &["xdr is not the XDR of a LedgerEntryData"]);
}

#[test]
fn lines_whose_key_is_that_of_another_entry() {
    let other: serde_json::Value = serde_json::from_str(&chain().lines()[1]).expect("JSON");
    refused(&line(|it| it["key"] = other["key"].clone()), &["key is not the key of the entry in xdr"]);
}

#[test]
fn lines_with_impossible_ledgers() {
    refused(&line(|it| it["lastModifiedLedgerSeq"] = (-1).into()), &["-1"]);
    refused(&line(|it| it["lastModifiedLedgerSeq"] = u32::MAX.into()), &["past the highest ledger"]);
    refused(&line(|it| it["liveUntilLedgerSeq"] = "soon".into()), &["soon"]);
}

#[test]
fn a_file_that_is_not_there_or_no_text() {
    let folder = tempfile::tempdir().expect("a folder");
    serve(&folder.path().join("nowhere.jsonl")).refused(&["cannot read", "nowhere.jsonl"]);
    let binary = folder.path().join("binary.jsonl");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).expect("written");
    serve(&binary).refused(&["binary.jsonl is no snapshot", "UTF-8"]);
}

#[test]
fn an_option_that_a_devnet_would_ignore() {
    let ended = Ended::of(Command::new(PROGRAM).args(["devnet", "--network-passphrase", "x"]).output().expect("the program starts"));
    ended.refused(&["--passphrase"]);
}
