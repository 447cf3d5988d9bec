//! `xos-bench-bus`: the figures of pull steps and event steps, on a real Kafka and a real control plane.

use std::{error::Error, io::Write as _, process::ExitCode};

use clap::Parser;
use xos_e2e::bus_figures::{Size, run};

/// Measures pull steps and event steps.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Messages for the rates.
    #[arg(long, default_value_t = 200_000)]
    messages: usize,
    /// Messages for the memory.
    #[arg(long, default_value_t = 1_000_000)]
    many: usize,
    /// Objects made of messages.
    #[arg(long, default_value_t = 1_000)]
    objects: usize,
    /// Things pulled.
    #[arg(long, default_value_t = 5_000)]
    things: usize,
}

fn main() -> ExitCode {
    let Arguments { messages, many, objects, things } = Arguments::parse();
    let measured = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Into::into);
    let measured = measured.and_then(|runtime| -> Result<(), Box<dyn Error>> {
        Ok(runtime.block_on(run(Size { messages, many, objects, things }))?)
    });
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let causes = std::iter::successors(Some(&*error), |&error| error.source());
            let text = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
            // Standard error may be gone; the exit code is not.
            let _told = writeln!(std::io::stderr(), "xos-bench-bus: {text}");
            ExitCode::FAILURE
        }
    }
}
