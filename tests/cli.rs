//! The command line as a stranger meets it.

use std::process::{Command, Output};

fn trueup(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
    // Where an instrumented program counts, if it is one (`make coverage`).
    command.args(arguments).env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "LLVM_PROFILE_FILE"));
    command.output().expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

const COMMANDS: [&[&str]; 25] = [
    &[],
    &["demo"],
    &["check"],
    &["run"],
    &["worker"],
    &["scheduler"],
    &["all"],
    &["jobs", "list"],
    &["jobs", "show"],
    &["jobs", "retry"],
    &["runs", "list"],
    &["runs", "cancel"],
    &["events", "status"],
    &["report"],
    &["repairs", "list"],
    &["repairs", "show"],
    &["repairs", "proposed"],
    &["repairs", "approve"],
    &["repairs", "reject"],
    &["repairs", "revert"],
    &["repairs", "release"],
    &["accept"],
    &["devnet"],
    &["migrate"],
    &["jobs"],
];

#[test]
fn every_command_has_help_that_says_what_each_option_does() {
    for command in COMMANDS {
        let output = trueup(&[command, &["--help"]].concat());
        assert_eq!(output.status.code(), Some(0), "{command:?}");
        let help = text(&output.stdout);
        let mut lines = help.lines().skip_while(|line| !line.starts_with("Options:")).peekable();
        while let Some(line) = lines.next() {
            let is_option = line.trim_start().starts_with("--") || line.trim_start().starts_with('-');
            let says = line.trim_start().split("  ").filter(|part| !part.trim().is_empty()).count() > 1;
            let goes_on = lines.peek().is_some_and(|next| next.starts_with("          ") && !next.trim().is_empty());
            assert!(!is_option || says || goes_on, "{command:?}: `{line}` says nothing");
        }
    }
}

#[test]
fn the_top_of_the_help_says_what_exit_codes_mean() {
    let help = text(&trueup(&["--help"]).stdout);
    for part in ["0 clean", "1 error", "2 wrong usage", "3 drift", "4 partial or guarded"] {
        assert!(help.contains(part), "{part}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_a_suggestion() {
    for (arguments, part) in [
        (&["chek"][..], "check"),
        (&["run", "--mod", "repair"], "--mode"),
        (&["run", "--timeout", "0"], "0"),
        (&["jobs", "show", "one"], "one"),
        (&["jobs", "list", "--state", "gone"], "ready"),
        (&["devnet", "--port", "70000"], "70000"),
        (&["jobs", "list", "--limit", "0"], "0"),
        (&["repairs", "list", "--limit", "-1"], "-1"),
    ] {
        let output = trueup(arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}
