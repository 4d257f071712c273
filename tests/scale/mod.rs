//! Runs of very many entities, and reports of very many drifts, in constant memory.

mod book;
mod long_reports;
mod million;
