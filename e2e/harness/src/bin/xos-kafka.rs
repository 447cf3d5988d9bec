//! `xos-kafka`: a Kafka broker on this machine, for tests and for trying things out.

use std::{error::Error, io, process::ExitCode};

use clap::{Parser, Subcommand};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use xos_harness::{
    cli::{chain, exit_code, say},
    kafka::{Broker, Libraries, Line},
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
    /// Run a broker until Ctrl-C, and print where it is.
    Run,
    /// Run a broker until standard input ends; prints one line of JSON when it answers.
    #[command(hide = true)]
    Serve,
}

fn main() -> ExitCode {
    exit_code("xos-kafka", run(&Arguments::parse().command))
}

/// One thread, the main one: the broker is on its leash.
fn run(command: &Command) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match command {
        Command::Libraries => Ok(Libraries::ready().map(drop)?),
        Command::Run => runtime.block_on(serve(false)),
        Command::Serve => {
            // Ctrl-C in the starter's terminal is for the starter. Refused for the leader of a group, which has no need of it.
            let _already_leading = rustix::process::setsid();
            runtime.block_on(serve(true))
        }
    }
}

async fn serve(for_program: bool) -> Result<(), Box<dyn Error>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let folder = tempfile::Builder::new().prefix("xos-kafka-").tempdir()?;
    let mut broker = None;
    let served = tokio::select! {
        served = live(folder.path(), for_program, &mut broker) => served,
        () = end_of_input(), if for_program => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    };
    if let Some(mut broker) = broker {
        broker.kill().await?;
    }
    folder.close()?;
    served
}

/// Ends by itself only with an error.
async fn live(folder: &std::path::Path, for_program: bool, kept: &mut Option<Broker>) -> Result<(), Box<dyn Error>> {
    let broker = match Broker::start(folder).await {
        Ok(broker) => kept.insert(broker),
        Err(error) => {
            if for_program {
                say(&Line::Error(chain(&error)))?;
            }
            return Err(error.into());
        }
    };
    if for_program {
        say(&Line::Ready(broker.endpoint()))?;
    } else {
        println!("export XOS_EVENT_BUS__ENDPOINT={}", broker.endpoint());
        println!("# Ctrl-C here stops the broker, and what it has is gone.");
    }
    broker.wait().await?;
    Err("the broker ended by itself".into())
}

/// The starter holds the other end of standard input; its death, in any way, closes it.
async fn end_of_input() {
    let (sender, receiver) = oneshot::channel::<()>();
    // A thread of its own: a runtime would wait for the read on its way out.
    std::thread::spawn(move || {
        io::stdin().lines().map_while(Result::ok).for_each(drop);
        drop(sender);
    });
    let _ended = receiver.await;
}
