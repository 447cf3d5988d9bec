//! The example's synchronizer.

use std::process::ExitCode;

use xos_controller::Synchronizer;
use xos_example::{ExampleEventStep, JoinTeam, PullFromDesk, SyncMyModel, SyncTeam, XPROTO};

fn main() -> ExitCode {
    Synchronizer::new("example-synchronizer")
        .models(XPROTO)
        .policy(JoinTeam)
        .sync_step(SyncTeam)
        .sync_step(SyncMyModel)
        .pull_step(PullFromDesk)
        .event_step(ExampleEventStep)
        .run()
}
