//! `trueup-sandbox COMMAND…`: runs a command beside a throwaway Postgres server that all its tests share, whose
//! address it finds in `TRUEUP_TEST_DATABASE_URL`, and ends with the command's exit code.

use std::process::ExitCode;

use tokio::process::Command;
use trueup_sandbox::Server;

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: trueup-sandbox COMMAND [ARGUMENT…]");
        return ExitCode::from(2);
    };
    let server = match Server::start().await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let status = Command::new(&program).args(words).env("TRUEUP_TEST_DATABASE_URL", server.url("postgres")).status().await;
    match status {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("cannot run {}: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
