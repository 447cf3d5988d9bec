//! The synchronizer that `xos-bench` measures.

use std::process::ExitCode;

use xos_bench::engine::step::{MODELS, steps};
use xos_runtime::Synchronizer;

xos_controller::use_mimalloc!();

fn main() -> ExitCode {
    Synchronizer::new("xos-bench-synchronizer").models(&[("bench.xproto", MODELS)]).steps(steps()).run()
}
