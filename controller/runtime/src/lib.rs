//! Command line, configuration and wiring of a synchronizer.

mod admission_command;
#[cfg(feature = "mimalloc")]
mod allocator;
pub mod check;
mod cli;
pub mod cluster;
mod command;
pub mod config;
pub mod crds_command;
mod dependencies;
mod diff_command;
mod events_command;
pub mod explain;
mod flows;
mod gui_events;
pub mod logging;
mod models;
pub mod monitoring;
mod proto_command;
pub mod serve;
mod synchronizer;

pub use synchronizer::Synchronizer;
