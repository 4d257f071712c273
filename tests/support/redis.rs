//! A deployment whose jobs wait in Redis.

use std::sync::OnceLock;

use trueup::Config;
use trueup_queue::EngineName;
use trueup_sandbox::{REDIS_URL, RedisServer};

/// The server that tests share, or one of this process.
pub fn shared_url() -> String {
    static OWN: OnceLock<RedisServer> = OnceLock::new();
    std::env::var(REDIS_URL).unwrap_or_else(|_| OWN.get_or_init(|| RedisServer::start().expect("a Redis server")).url())
}

/// The same deployment, with its queue on this Redis.
pub fn on(url: &str, mut config: Config) -> Config {
    config.queue.engine = Some(EngineName::Redis);
    config.queue.url = Some(url.to_owned());
    config
}

/// Names the engine on which tests run that are not about one: `redis`, or Postgres if it is not set.
const ENGINE: &str = "TRUEUP_TEST_QUEUE";

/// The same deployment, on the engine that is asked for.
pub fn as_asked(config: Config) -> Config {
    match std::env::var(ENGINE).as_deref() {
        Ok("redis") => on(&shared_url(), config),
        _ => config,
    }
}
