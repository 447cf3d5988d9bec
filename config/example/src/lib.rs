//! The Synchronizer Reference's example: people, kept in step with a directory.

pub mod models;
mod steps;

pub use models::{FullName, MyModel, XPROTO};
pub use steps::SyncMyModel;
