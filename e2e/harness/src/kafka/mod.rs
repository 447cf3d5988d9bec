//! A real Kafka for tests and the demo: one broker (KRaft), from Maven Central, kept in the cache.
//!
//! [`Broker`] is a broker that can be stopped and started again with all its data; it is killed when the thread that
//! started it ends. [`Kafka`] is a broker that all tests of a process share: the process `xos-kafka serve` owns it, and
//! ends with the process that started it.

mod broker;
mod client;
mod guard;
mod libraries;
mod python;
pub mod serve;
mod served;
mod topics;

pub use broker::{Broker, ForPods, PODS_PORT};
pub use client::{Client, Placed, Received};
pub use guard::{Guard, Listener, USERNAME};
pub use libraries::Libraries;
pub use served::Kafka;
pub use topics::Sent;

use crate::{control::keys, files::FileError, paths, process, serving, tools::BuildError, wait::Timeout};

/// Kafka could not be run or used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cache, or a program of this workspace.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A process.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// The broker is not ready in time.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// A certificate.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// The client.
    #[error("Kafka")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// The Python environment of kafka-python.
    #[error(transparent)]
    Python(#[from] BuildError),
    /// A program is missing.
    #[error("{program} is needed for Kafka, and is not installed: on Debian `apt-get install {package}`")]
    Missing {
        /// The program.
        program: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// A command failed.
    #[error("{what} failed; the end of its output:\n{end}")]
    Failed {
        /// The command.
        what: String,
        /// The end of its output.
        end: String,
    },
    /// `xos-kafka serve` does not start.
    #[error("Kafka did not start")]
    Serving(#[from] serving::Error),
    /// The broker ended.
    #[error("the broker ended by itself")]
    Ended,
    /// The operating system refuses.
    #[error("cannot run Kafka")]
    System(#[from] std::io::Error),
    /// A thread was lost.
    #[error("the start of Kafka was interrupted")]
    CutShort,
}
