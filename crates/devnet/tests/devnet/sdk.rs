//! The published JavaScript SDK against the devnet (`tests/sdk` in the
//! repository's root).

use crate::client::world;
use std::path::{Path, PathBuf};
use std::process::Output;
use tokio::process::Command;

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sdk")
}

async fn run(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).current_dir(scripts()).output().await;
    output.unwrap_or_else(|error| {
        panic!(
            "cannot run `{program}`: {error}. The SDK's conformance test needs Node.js 20 or newer with npm: install it (Debian: `apt-get install nodejs npm`), or leave this test out with `cargo nextest run -E 'not test(sdk)'`"
        )
    })
}

fn text(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

#[tokio::test]
async fn the_javascript_sdk_works_against_every_method() {
    let world = world().await;
    let installed = run("npm", &["ci", "--no-audit", "--no-fund"]).await;
    assert!(installed.status.success(), "`npm ci` failed in tests/sdk; it needs a package registry:\n{}", text(&installed));
    let contracts = serde_json::to_string(&world.contracts).expect("JSON");
    let args = ["conformance.mjs", &world.served.url, &contracts];
    let conformance = run("node", &args).await;
    assert!(conformance.status.success(), "{}", text(&conformance));
    println!("{}", text(&conformance));
}
