//! A service that embeds trueup, as the example does.

use std::path::{Path, PathBuf};

use crate::program::Program;
use crate::support::Deployment;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_runs_scheduler_and_worker_in_its_own_runtime_and_prints_what_it_found() {
    let deployment = Deployment::with_loans(30).await;
    deployment.sql("UPDATE loans SET status = 'active' WHERE id <= 3").await;
    let ended = Program::start_file(example(), &deployment.config, &[]).end().await;
    ended.expect_code(0);
    assert_eq!(ended.stdout, "run 1: 3 of 30 entities drifted\n");
}

/// Cargo builds a package's examples together with its tests, and puts them beside its programs.
fn example() -> PathBuf {
    let example = Path::new(env!("CARGO_BIN_EXE_trueup")).with_file_name("examples").join("embedded");
    assert!(
        example.is_file(),
        "{} is not built; where tests are chosen by name, `cargo build --release --example embedded` comes first",
        example.display()
    );
    example
}
