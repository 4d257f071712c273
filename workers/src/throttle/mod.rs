//! Sweeps give way to the application: how many of their batches are under way follows from how long their own
//! statements take, and from whether the application is at work.
//!
//! [`usual`] says what is slow, [`beside`] whether the application is there, [`pace`] how fast a sweep may go by that, all
//! pure; [`watch`] looks at the application, and [`gate`] holds batches back, and their parts, which are [`calls`] large.
//! What is held back is a first look at entities of a sweep. Touches, second looks and repairs, leases and acks go ahead:
//! they are few, and what waits for them is short of time.

mod beside;
mod calls;
mod gate;
mod pace;
mod scope;
mod usual;
mod watch;

pub(crate) use gate::{HeldBack, Throttle};
pub(crate) use scope::{is_of_sweep, of_sweep};
pub(crate) use watch::watch;
