//! `xos-bench`: the benchmark of the engine. `make bench` builds it and everything that it needs.

use std::{error::Error, process::ExitCode};

use clap::Parser as _;
use xos_bench::engine::{self, Options, Report};
use xos_harness::cli::{block_on, exit_code, stop_signal};

xos_controller::use_mimalloc!();

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(report) if options.check && report.unmet() > 0 => ExitCode::FAILURE,
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => exit_code("xos-bench", Err(error)),
    }
}

fn run(options: &Options) -> Result<Report, Box<dyn Error>> {
    block_on(async {
        let stop = stop_signal()?;
        let report = tokio::select! {
            report = engine::run(options) => report?,
            () = stop => return Err("stopped before its end".into()),
        };
        report.write(&options.output)?;
        println!("\n{}", report.markdown());
        Ok(report)
    })
}
