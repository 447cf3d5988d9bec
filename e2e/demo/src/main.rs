//! `xos-demo`: shows the example on its own control plane. `make demo` builds it and all it needs.

mod demo;
mod narrate;
mod stage;
mod story;

use std::{error::Error, process::ExitCode};

use clap::Parser;
use xos_harness::cli::{block_on, exit_code, stop_signal};

/// Shows the example at work on its own control plane, and checks everything that it shows.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Keep everything running at the end, until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    exit_code("xos-demo", run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    block_on(async {
        let stop = stop_signal()?;
        tokio::select! {
            shown = demo::run(arguments.keep) => Ok(shown?),
            () = stop => stopped(arguments),
        }
    })
}

/// Ctrl-C is how a demo that is kept running ends; otherwise it ends too early.
fn stopped(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if arguments.keep { Ok(()) } else { Err("stopped before its end".into()) }
}
