//! The benchmark of pull steps and event steps: `make bench-bus`. Only figures of the same run can be compared.

mod count;
mod messages;
mod objects;
mod step;

use std::{fs, path::PathBuf};

use clap::ValueEnum;

use xos_harness::{cluster, inprocess, kafka, models, namespace, wait::Timeout};

/// The benchmark failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Kafka failed.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// The Kafka client failed.
    #[error("Kafka: {0}")]
    Client(#[from] rdkafka::error::KafkaError),
    /// The event steps failed.
    #[error(transparent)]
    Bus(#[from] xos_bus::BusError),
    /// There is no cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// A namespace could not be made or deleted.
    #[error(transparent)]
    Namespace(#[from] namespace::Error),
    /// The controller failed.
    #[error(transparent)]
    Controller(#[from] inprocess::Error),
    /// The models have errors.
    #[error(transparent)]
    Models(#[from] models::Error),
    /// The API server refused.
    #[error("the API server refused: {0}")]
    Api(#[from] kube::Error),
    /// Something did not happen in time.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// Not all messages were handled in time.
    #[error("{now} of {goal} messages were handled")]
    Missing {
        /// How many were expected.
        goal: usize,
        /// How many were handled.
        now: usize,
    },
    /// The pull step failed.
    #[error("the pull step failed: {0}")]
    Pull(String),
    /// The memory cannot be read.
    #[error("cannot read the memory of this process")]
    Memory(#[from] std::io::Error),
}

/// How many messages and objects are used.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Messages for the rates.
    pub messages: usize,
    /// Messages for the part `memory`.
    pub many: usize,
    /// Objects made of messages.
    pub objects: usize,
    /// Things pulled.
    pub things: usize,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Messages a second through a step that does nothing.
    Rate,
    /// Messages a second through a step that waits.
    Waiting,
    /// The time from sending a message to its step.
    Lag,
    /// Memory while very many messages are handled.
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

fn print(what: &str, figure: &str, target: &str) {
    println!("{what:<58} {figure:>28}   {target}");
}

/// Returns the memory of this process, in MiB.
fn memory() -> Result<f64, Error> {
    let status = fs::read_to_string(PathBuf::from("/proc/self/status"))?;
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok());
    Ok(kib.unwrap_or_default() / 1024.0)
}
