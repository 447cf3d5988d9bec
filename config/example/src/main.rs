//! The example's synchronizer.

use std::process::ExitCode;

use xos_controller::Synchronizer;
use xos_example::{SyncMyModel, XPROTO};

fn main() -> ExitCode {
    Synchronizer::new("example-synchronizer").models(XPROTO).sync_step(SyncMyModel).run()
}
