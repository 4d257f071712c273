//! What happened, in order, for whoever reads a failure.

use std::sync::{Arc, Mutex};
use std::time::Instant;

/// How many lines a story keeps; what comes later is counted.
const LINES_MAX: usize = 2_000;

/// The events of one seed, by milliseconds since it began. Clones share it.
#[derive(Clone)]
pub(crate) struct Story {
    began: Instant,
    lines: Arc<Mutex<Vec<String>>>,
    aloud: bool,
}

// === impl Story ===

impl Story {
    pub(crate) fn begin(aloud: bool) -> Self {
        Self { began: Instant::now(), lines: Arc::default(), aloud }
    }

    pub(crate) fn tell(&self, what: impl AsRef<str>) {
        let line = format!("{:>6} ms  {}", self.began.elapsed().as_millis(), what.as_ref());
        if self.aloud {
            println!("  {line}");
        }
        let mut lines = self.lines.lock().unwrap_or_else(|error| error.into_inner());
        if lines.len() < LINES_MAX {
            lines.push(line);
        }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(|error| error.into_inner()).clone()
    }

    pub(crate) fn elapsed_ms(&self) -> u128 {
        self.began.elapsed().as_millis()
    }
}
