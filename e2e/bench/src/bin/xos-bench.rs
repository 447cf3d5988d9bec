//! `xos-bench`: the benchmark. `make bench` builds it and all it needs.

use std::{error::Error, process::ExitCode};

use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use xos_bench::engine::{self, Options, Report};
use xos_harness::cli::exit_code;

xos_controller::use_mimalloc!();

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(report) if options.check && report.unmet() > 0 => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => exit_code("xos-bench", Err(error)),
    }
}

/// One thread, the main one: what the benchmark starts is on its leash.
fn run(options: &Options) -> Result<Report, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let report = tokio::select! {
            report = engine::run(options) => report?,
            _ = interrupt.recv() => return Err("stopped before its end".into()),
            _ = terminate.recv() => return Err("stopped before its end".into()),
        };
        report.write(&options.output)?;
        println!("\n{}", report.markdown());
        Ok(report)
    })
}
