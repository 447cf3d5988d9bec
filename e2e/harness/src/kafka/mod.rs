//! A real Kafka for tests and the demo: one broker (KRaft), from Maven Central, cached beside the control plane's programs.
//!
//! [`Broker`] is a broker on the leash of the thread that starts it, which can be stopped and started again with all it has. [`Kafka`] is one
//! that all tests of a process share: the process `xos-kafka serve` owns it, and ends with whoever started it.

mod broker;
mod client;
mod guard;
mod libraries;
mod python;
mod served;

pub use broker::Broker;
pub use client::{Client, Received};
pub use guard::{Guard, Listener, USERNAME};
pub use libraries::Libraries;
pub use served::{Kafka, Line};

use crate::{control::keys, paths, process, wait::Timeout};

/// Kafka could not be had, or did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The cache, or a program of ours.
    #[error(transparent)]
    Paths(#[from] paths::Error),
    /// Its processes.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Its readiness.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// Its certificates.
    #[error(transparent)]
    Keys(#[from] keys::Error),
    /// A client of ours.
    #[error("Kafka")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// A program that it is fetched or run with.
    #[error("{program} is needed for Kafka, and is not there: on Debian `apt-get install {package}`")]
    Missing {
        /// The program.
        program: &'static str,
        /// Where it is from.
        package: &'static str,
    },
    /// A command failed.
    #[error("{what} failed; the end of its output:\n{end}")]
    Failed {
        /// What was done.
        what: String,
        /// Its last words.
        end: String,
    },
    /// `xos-kafka serve` says no.
    #[error("Kafka did not start: {0}")]
    Refused(String),
    /// The operating system.
    #[error("cannot run Kafka")]
    System(#[from] std::io::Error),
    /// A thread was lost.
    #[error("the start of Kafka was cut short")]
    CutShort,
}
