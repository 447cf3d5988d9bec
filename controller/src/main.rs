//! The program `xos`: check models, print their custom resources, and keep these applied. Steps are compiled into a service's own program,
//! which has the same command line.

use std::process::ExitCode;

use xos_controller::Synchronizer;

fn main() -> ExitCode {
    Synchronizer::new("xos").run()
}
