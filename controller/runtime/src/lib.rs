//! Command line, configuration and wiring of a synchronizer.
//!
//! Modules depend on each other one way: `cli` → `commands` → everything else (`tests.rs` proves it).

mod cli;
mod cluster;
mod commands;
pub mod config;
mod content;
pub mod controller;
mod dependencies;
mod instance;
mod io_steps;
mod kinds;
pub mod logging;
mod models;
mod monitoring;
mod program;
#[cfg(test)]
mod reference;
mod renewal;
mod rights;
mod synchronizer;
mod telemetry;

pub use io_steps::Renewing;
pub use synchronizer::Synchronizer;

#[cfg(test)]
mod tests;
