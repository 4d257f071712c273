//! Sweeps give way to the application: how many of their batches are under way follows from how long their own
//! statements take.
//!
//! [`usual`] says what is slow, [`pace`] how fast a sweep may go by that, both pure; [`gate`] holds batches back. What is
//! held back is a first look at entities of a sweep. Touches, second looks and repairs, leases and acks go ahead: they
//! are few, and what waits for them is short of time.

mod gate;
mod pace;
mod scope;
mod usual;

pub(crate) use gate::{HeldBack, Throttle};
pub(crate) use scope::{is_of_sweep, of_sweep};
