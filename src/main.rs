//! The `trueup` program.

use std::process::ExitCode;

/// Half of this program's time went into the system's allocator: docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    trueup::cli::main()
}
