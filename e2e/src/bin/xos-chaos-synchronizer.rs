//! The synchronizer that the tests of `chaos` run and kill.

use std::process::ExitCode;

fn main() -> ExitCode {
    xos_e2e::chaos::synchronizer().run()
}
