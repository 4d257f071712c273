//! The program as a child process.

use std::process::Output;

use serde_json::Value;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_trueup");

/// How a command ended, and what it said.
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

// === impl Ended ===

impl Ended {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code().expect("an exit code"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// Asserts the exit code; what was said is shown if it is another.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }

    /// Asserts that the command failed with one message that has all those parts, and without a backtrace of ours.
    #[track_caller]
    pub fn refused(self, parts: &[&str]) -> Self {
        let ended = self.expect(1);
        for part in parts {
            assert!(ended.err.contains(part), "no `{part}` in\n{}", ended.err);
        }
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
        ended
    }

    /// What `--json` printed.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err))
    }

    /// The drifts of a report: `kind entity class field: database → chain`, and why it is only reported.
    #[track_caller]
    pub fn drifts(&self) -> Vec<String> {
        let report = self.json();
        let text = |value: &Value| value.as_str().unwrap_or("∅").to_owned();
        let mut drifts: Vec<String> = report["drifts"]
            .as_array()
            .expect("drifts")
            .iter()
            .map(|drift| {
                let entity = if drift["identity"].is_null() { &drift["chain_key"] } else { &drift["identity"] };
                let withheld = drift["withheld"].as_str().map(|why| format!(" ({why})")).unwrap_or_default();
                let place = format!("{} {} {} {}", text(&drift["kind"]), text(entity), text(&drift["class"]), text(&drift["field"]));
                format!("{}: {} → {}{withheld}", place.trim_end(), text(&drift["db"]), text(&drift["chain"]))
            })
            .collect();
        drifts.sort();
        drifts
    }

    /// How many entities of a kind have a verdict.
    #[track_caller]
    pub fn verdict(&self, kind: &str, verdict: &str) -> u64 {
        self.json()["kinds"][kind]["verdicts"][verdict].as_u64().unwrap_or_default()
    }
}
