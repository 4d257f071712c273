//! Bad input: each gets one clear message that says what, where and how to mend it, and leaves nothing half-done; a
//! bad row spoils no neighbour.

mod bank;
mod configuration;
mod roles;
mod rows;
mod servers;
mod snapshots;
mod specs;
