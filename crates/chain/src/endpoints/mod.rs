//! Several endpoints of one chain, as if they were one.
//!
//! Every read of the crate goes through [`Endpoints::any`]:
//!
//! ```ignore
//! let (rpc, page) = self.endpoints.any(|rpc| async move { rpc.events(&filter).await }).await?;
//! ```
//!
//! The closure runs one read on one endpoint, usually one `Rpc::call(method, params, Retry::Few)`. It may run several
//! times, on other endpoints: the first that is fit answers, and one that cannot be reached, refuses for a moment or is
//! behind is left for the next. What comes back is one endpoint's answer, of one ledger, with the endpoint that gave it
//! (`rpc.endpoint()` is its name in stamps). An answer says of which ledger it is by [`AsOf`]; one that is older than
//! what was known when it was asked for is not used.
//!
//! [`Endpoints::once`] asks once and does not try again. [`Endpoints::apart_from`] is the same pool without one
//! endpoint: what asks it gets the answer of another one.

mod as_of;
mod choice;
mod failover;
mod member;
mod pool;
mod standing;
mod start;
mod survey;
mod watch;

pub(crate) use as_of::AsOf;
pub(crate) use pool::Endpoints;
