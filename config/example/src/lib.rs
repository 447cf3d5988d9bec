//! The Synchronizer Reference's example: people, kept in step with a directory.

mod flows;
pub mod models;
mod policies;
mod steps;

use xos_controller::Steps;

pub use flows::{ExampleEventStep, PullFromDesk};
pub use models::{MyModel, NewMyModel, NewTeam, Team, XPROTO};
pub use policies::JoinTeam;
pub use steps::{SyncMyModel, SyncTeam};

/// The steps and the policy of this service, for its program and for its tests.
pub fn steps() -> Steps {
    Steps::new()
        .policy(JoinTeam)
        .sync_step(SyncTeam)
        .sync_step(SyncMyModel)
        .pull_step(PullFromDesk)
        .event_step(ExampleEventStep)
}
