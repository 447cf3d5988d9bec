//! `xos-kafka`: a Kafka broker on this machine, for tests and for trying things out.

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};
use xos_harness::{
    cli::{block_on, exit_code, stop_signal},
    kafka::{Libraries, serve},
    serving::{announced, told_to_stop},
};

/// A Kafka broker on this machine.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch Kafka, if it is not in the cache.
    Libraries,
    /// Run a broker until Ctrl-C, and print how to reach it.
    Run,
    /// Run a broker until standard input ends; prints one line of JSON when the broker is ready.
    #[command(hide = true)]
    Serve,
}

fn main() -> ExitCode {
    exit_code("xos-kafka", run(&Arguments::parse().command))
}

fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    match command {
        Command::Libraries => Ok(Libraries::ready().map(drop)?),
        Command::Run => block_on(async {
            let ready = |endpoint| {
                println!("export XOS_EVENT_BUS__ENDPOINT={endpoint}");
                println!("# Ctrl-C here stops the broker and deletes its data.");
                Ok(())
            };
            Ok(serve::run(stop_signal()?, ready).await?)
        }),
        Command::Serve => announced(|ready| block_on(async { Ok(serve::run(told_to_stop()?, ready).await?) })),
    }
}
