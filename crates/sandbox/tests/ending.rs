//! The sandbox ends with its command, and its servers with it.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);

/// Shells have what they start in the background ignore SIGQUIT, and whatever that starts.
#[test]
fn it_ends_also_where_sigquit_is_ignored() {
    let sandbox = env!("CARGO_BIN_EXE_trueup-sandbox");
    let mut running = Command::new("sh").args(["-c", "trap '' QUIT; exec \"$0\" true", sandbox]).spawn().expect("it starts");
    let ended = until_ended(&mut running);
    running.kill().expect("it may be killed");
    assert!(ended, "it waits for a server that does not go");
}

fn until_ended(child: &mut Child) -> bool {
    let began = Instant::now();
    while began.elapsed() < LIMIT {
        if let Some(status) = child.try_wait().expect("its state") {
            assert!(status.success(), "{status}");
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
