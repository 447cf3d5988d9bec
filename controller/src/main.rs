//! The program `xos`: checks models, prints their custom resource definitions, and keeps these applied. It has no
//! steps: those are compiled into a service's own program, which has the same command line.

use std::process::ExitCode;

use xos_controller::Synchronizer;

#[cfg(feature = "mimalloc")]
xos_controller::use_mimalloc!();

fn main() -> ExitCode {
    Synchronizer::new("xos").run()
}
