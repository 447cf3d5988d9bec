//! The figures of pull steps and event steps: `make bench-bus`. Ratios are of one run, on one machine.

mod count;
mod messages;
mod objects;
mod step;

use std::{fs, path::PathBuf};

use clap::ValueEnum;

use xos_harness::{cluster, inprocess, kafka, models, namespace, wait::Timeout};

/// A figure could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// Its client.
    #[error("Kafka: {0}")]
    Client(#[from] rdkafka::error::KafkaError),
    /// Event steps.
    #[error(transparent)]
    Bus(#[from] xos_bus::BusError),
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] namespace::Error),
    /// The controller.
    #[error(transparent)]
    Controller(#[from] inprocess::Error),
    /// Its models.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// The API server.
    #[error("the API server refused: {0}")]
    Api(#[from] kube::Error),
    /// Something that did not come.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// Not all came.
    #[error("{now} of {goal} have come")]
    Missing {
        /// How many were to come.
        goal: usize,
        /// How many came.
        now: usize,
    },
    /// A pull step.
    #[error("the pull step failed: {0}")]
    Pull(String),
    /// Not measured.
    #[error("cannot tell how much memory this process has")]
    Memory(#[from] std::io::Error),
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Messages for the rates.
    pub messages: usize,
    /// Messages for the memory.
    pub many: usize,
    /// Objects made of messages.
    pub objects: usize,
    /// Things pulled.
    pub things: usize,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Messages a second.
    Rate,
    /// The same with a step that waits.
    Waiting,
    /// From sending to the step.
    Lag,
    /// Memory over very many messages.
    Memory,
    /// Memory with a backlog.
    Backlog,
    /// Objects made of messages.
    Objects,
    /// Pull steps.
    Pull,
}

/// Measures these parts, and prints a line for each figure.
///
/// # Errors
/// When something does not work.
pub async fn run(parts: &[Part], size: Size) -> Result<(), Error> {
    let kafka = kafka::Kafka::start().await?;
    for part in parts {
        match part {
            Part::Rate => messages::rate(&kafka, size.messages).await?,
            Part::Waiting => messages::waiting(&kafka).await?,
            Part::Lag => messages::lag(&kafka).await?,
            Part::Memory => messages::memory(&kafka, size.many).await?,
            Part::Backlog => messages::backlog(&kafka).await?,
            Part::Objects => objects::events(&kafka, size.objects).await?,
            Part::Pull => objects::pull(size.things).await?,
        }
    }
    Ok(())
}

fn tell(what: &str, figure: &str, target: &str) {
    println!("{what:<58} {figure:>28}   {target}");
}

/// This process's memory, in MiB.
fn memory() -> Result<f64, Error> {
    let status = fs::read_to_string(PathBuf::from("/proc/self/status"))?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.unwrap_or_default() / 1024.0)
}
