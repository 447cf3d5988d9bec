//! The Synchronizer Reference's example: people, kept in step with a directory.

mod flows;
pub mod models;
mod policies;
mod steps;

pub use flows::{ExampleEventStep, PullFromDesk};
pub use models::{FullName, MyModel, Team, XPROTO};
pub use policies::JoinTeam;
pub use steps::{SyncMyModel, SyncTeam};
