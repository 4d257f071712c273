//! `trueup-sandbox COMMAND…`: runs a command beside a throwaway Postgres server and a Redis that all its tests share,
//! whose addresses it finds in `TRUEUP_TEST_DATABASE_URL` and `TRUEUP_TEST_REDIS_URL`, and ends with the command's exit
//! code. Where there is no Redis, it goes without.

use std::process::ExitCode;

use tokio::process::Command;
use trueup_sandbox::{REDIS_URL, RedisServer, Server};

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
    let redis = RedisServer::start().inspect_err(|error| eprintln!("tests on Redis will fail: {error}")).ok();
    let status = Command::new(&program)
        .args(words)
        .env("TRUEUP_TEST_DATABASE_URL", server.url("postgres"))
        .envs(redis.as_ref().map(|redis| (REDIS_URL, redis.url())))
        .status()
        .await;
    match status {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            eprintln!("cannot run {}: {error}", program.display());
            ExitCode::FAILURE
        }
    }
}
