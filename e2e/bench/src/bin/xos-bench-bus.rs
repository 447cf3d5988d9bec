//! `xos-bench-bus`: measures pull steps and event steps with a real Kafka broker and a real control plane.

use std::{error::Error, process::ExitCode};

use clap::{Parser, ValueEnum};
use xos_bench::bus::{Part, Size, run};
use xos_harness::cli::exit_code;
use xos_runtime::logging::{LogFormat, start};

xos_controller::use_mimalloc!();

/// Measures pull steps and event steps.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Only these parts.
    #[arg(long, value_enum)]
    only: Vec<Part>,
    /// Messages for the rates.
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// Messages for the part `memory`.
    #[arg(long, default_value_t = 1_000_000)]
    many: usize,
    /// Objects that are created for messages.
    #[arg(long, default_value_t = 5_000)]
    objects: usize,
    /// Things that are pulled.
    #[arg(long, default_value_t = 5_000)]
    things: usize,
}

fn main() -> ExitCode {
    let Arguments { only, messages, many, objects, things } = Arguments::parse();
    start("error", LogFormat::Text);
    let parts = if only.is_empty() { Part::value_variants().to_vec() } else { only };
    let size = Size { messages, many, objects, things };
    exit_code("xos-bench-bus", measure(&parts, size))
}

fn measure(parts: &[Part], size: Size) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(run(parts, size))?)
}
