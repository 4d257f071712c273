//! What goes wrong with Redis, in seeds whose jobs wait there.

use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, RngExt};
use tokio::sync::Mutex;
use trueup_sandbox::RedisServer;

use crate::script::At;
use crate::seed::Shared;

#[derive(Debug, Clone)]
pub(crate) enum RedisFault {
    /// It forgets everything, and goes on.
    Empty,
    /// It is killed, and comes back at once without its memory.
    Restart,
    /// It is killed, and comes back after a while without its memory.
    Away { ms: u64 },
}

// === impl RedisFault ===

impl RedisFault {
    pub(crate) fn draw(random: &mut impl Rng) -> Self {
        match random.random_range(0..4) {
            0 => Self::Empty,
            1..3 => Self::Restart,
            _ => Self::Away { ms: random.random_range(100..1_500) },
        }
    }
}

/// Lets Redis go wrong, each fault at its moment or when the one before is over, until all are.
pub(crate) async fn disturb(shared: &Shared, faults: &[At<RedisFault>]) -> anyhow::Result<()> {
    let Some(redis) = &shared.redis else { return Ok(()) };
    let began = tokio::time::Instant::now();
    for at in faults {
        tokio::time::sleep_until(began + Duration::from_millis(at.ms)).await;
        shared.story.tell(format!("Redis: {:?}", at.what));
        match at.what {
            RedisFault::Empty => told(redis, |redis| redis.empty()).await?,
            RedisFault::Restart => told(redis, RedisServer::restart).await?,
            RedisFault::Away { ms } => {
                told(redis, RedisServer::stop).await?;
                tokio::time::sleep(Duration::from_millis(ms)).await;
                told(redis, RedisServer::restart).await?;
            }
        }
    }
    Ok(())
}

/// Does something to the server that waits for it to go or to come.
async fn told(redis: &Arc<Mutex<RedisServer>>, what: fn(&mut RedisServer) -> Result<(), trueup_sandbox::Error>) -> anyhow::Result<()> {
    let mut redis = Arc::clone(redis).lock_owned().await;
    Ok(tokio::task::spawn_blocking(move || what(&mut redis)).await??)
}
