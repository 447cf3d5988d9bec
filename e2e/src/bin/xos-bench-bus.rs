//! `xos-bench-bus`: the figures of pull steps and event steps, on a real Kafka and a real control plane.

use std::{error::Error, io::Write as _, process::ExitCode};

use clap::{Parser, ValueEnum};
use xos_e2e::bus_figures::{Part, Size, run};
use xos_runtime::logging::{LogFormat, start};

/// Measures pull steps and event steps.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Only these.
    #[arg(long, value_enum)]
    only: Vec<Only>,
    /// Messages for the rates.
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// Messages for the memory.
    #[arg(long, default_value_t = 1_000_000)]
    many: usize,
    /// Objects made of messages.
    #[arg(long, default_value_t = 5_000)]
    objects: usize,
    /// Things pulled.
    #[arg(long, default_value_t = 5_000)]
    things: usize,
}

/// A part, as it is called on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Only {
    Rate,
    Waiting,
    Lag,
    Memory,
    Backlog,
    Objects,
    Pull,
}

impl From<Only> for Part {
    fn from(only: Only) -> Self {
        match only {
            Only::Rate => Self::Rate,
            Only::Waiting => Self::Waiting,
            Only::Lag => Self::Lag,
            Only::Memory => Self::Memory,
            Only::Backlog => Self::Backlog,
            Only::Objects => Self::Objects,
            Only::Pull => Self::Pull,
        }
    }
}

fn main() -> ExitCode {
    let Arguments { only, messages, many, objects, things } = Arguments::parse();
    start("error", LogFormat::Text);
    let mut parts: Vec<Part> = only.into_iter().map(Into::into).collect();
    if parts.is_empty() {
        parts.extend(Part::ALL);
    }
    let measured = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Into::into);
    let measured = measured.and_then(|runtime| -> Result<(), Box<dyn Error>> {
        Ok(runtime.block_on(run(&parts, Size { messages, many, objects, things }))?)
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
