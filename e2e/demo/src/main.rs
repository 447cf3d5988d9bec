//! `xos-demo`: the example on a control plane of its own, shown and checked. `make demo` builds it and all it needs.

mod demo;
mod narrate;
mod stage;
mod story;

use std::{error::Error, process::ExitCode};

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use xos_harness::cli::exit_code;

/// Shows the example at work on a control plane of its own, and checks all that it shows.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Leave everything running in the end, until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    exit_code("xos-demo", run(&Arguments::parse()))
}

/// One thread, the main one: what the demo starts is on its leash.
fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            shown = demo::run(arguments.keep) => Ok(shown?),
            _ = interrupt.recv() => stopped(arguments),
            _ = terminate.recv() => stopped(arguments),
        }
    })
}

/// Asked to stop: as it should be when it was kept for that, else before its end.
fn stopped(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    if arguments.keep { Ok(()) } else { Err("stopped before its end".into()) }
}
