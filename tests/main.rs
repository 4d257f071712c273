//! Tests of the whole program, on real Postgres and a local chain. One binary: building the program into one for each
//! file took most of the time that all tests take.

mod altered;
mod applications;
mod approval;
mod bad_input;
mod cli;
mod embedded;
mod endpoints;
mod events;
mod guard;
mod holding_back;
mod incremental;
mod kill;
mod lifecycle;
mod main_job;
mod moving_chain;
mod pending_transactions;
mod program;
mod provisional;
mod ranges;
mod redis;
mod scale;
mod sources;
mod support;
mod throttle;
mod touches;
mod true_key;
mod undo;
