//! The sandbox ends with its command, and its servers with it.

use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(60);

/// Shells have what they start in the background ignore SIGQUIT, and whatever that starts.
#[tokio::test]
async fn it_ends_also_where_sigquit_is_ignored() {
    let sandbox = env!("CARGO_BIN_EXE_trueup-sandbox");
    let script = ["-c", "trap '' QUIT; exec \"$0\" true", sandbox];
    let mut running = Command::new("sh").args(script).kill_on_drop(true).spawn().expect("it starts");
    let ended = timeout(LIMIT, running.wait()).await.expect("it waits for no server that does not go").expect("its end");
    assert!(ended.success(), "{ended}");
}
