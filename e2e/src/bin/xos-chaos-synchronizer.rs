//! A synchronizer to be killed: the tests of `chaos` run it.

use std::process::ExitCode;

fn main() -> ExitCode {
    xos_e2e::chaos::synchronizer().run()
}
