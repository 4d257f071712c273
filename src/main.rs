//! The `trueup` program.

use std::process::ExitCode;

/// Two thirds of this program's time went into glibc's allocator: docs/performance.md.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    trueup::cli::main()
}
