//! A throwaway Postgres server, and a Redis: a data directory of its own under the temporary directory, on a free port of
//! the loopback interface, gone when it is dropped.
//!
//! The demo runs on one, and so do the tests ([`TestDatabase`]). It trades durability against the loss of the
//! machine (`fsync = off`) for speed, which a throwaway can afford; a kill of the server itself loses nothing.

mod binaries;
mod database;
mod error;
mod keeper;
mod redis;
mod server;

pub use database::TestDatabase;
pub use error::Error;
pub use redis::{REDIS_URL, RedisServer};
pub use server::Server;
