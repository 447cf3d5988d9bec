//! The example's synchronizer.

use std::process::ExitCode;

use xos_controller::Synchronizer;
use xos_example::{XPROTO, steps};

xos_controller::use_mimalloc!();

fn main() -> ExitCode {
    Synchronizer::new("example-synchronizer").models(XPROTO).steps(steps()).run()
}
