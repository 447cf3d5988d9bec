//! The demo: what a person would do with the example. Every result is checked.

use std::time::{Duration, Instant};

use xos_harness::{cluster, control, directory, example, kafka, kubectl, process, synchronizer, wait::Timeout};

use crate::{narrate::say, stage::Stage, story};

/// How much of the controller's log a failed demo shows.
pub(crate) const SHOWN_LINES: usize = 80;

/// The demo failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Something is not as expected.
    #[error("expected {expected}, but saw: {seen}")]
    Unexpected { expected: String, seen: String },
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// Its client.
    #[error(transparent)]
    Client(#[from] control::ClientError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] directory::Error),
    /// The example.
    #[error(transparent)]
    Example(#[from] example::Error),
    /// The synchronizer.
    #[error(transparent)]
    Synchronizer(#[from] synchronizer::Error),
    /// The event bus.
    #[error(transparent)]
    Kafka(#[from] kafka::Error),
    /// kubectl.
    #[error(transparent)]
    Kubectl(#[from] kubectl::Error),
    /// The API server.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// Something did not happen in time.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// A folder for files.
    #[error("cannot make a folder")]
    Folder(#[from] std::io::Error),
}

/// What the demo measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) started: Duration,
    pub(crate) applied: Duration,
    pub(crate) synced: Duration,
    pub(crate) update: Duration,
}

/// Runs the demo. With `keep` everything keeps running until the process is stopped.
///
/// # Errors
/// With the first expectation that does not hold. The end of the controller's log is printed before.
pub(crate) async fn run(keep: bool) -> Result<(), Error> {
    let start = Instant::now();
    let mut stage = Stage::start().await?;
    let started = start.elapsed();
    let shown = story::run(&mut stage, started).await;
    let Ok(measured) = shown else {
        let log = stage.synchronizer_log();
        println!("\n--- the end of the controller's log ---\n{}", process::tail(&log, SHOWN_LINES));
        return shown.map(drop);
    };
    if keep {
        return stage.keep().await;
    }
    stage.stop().await?;
    say("Everything is stopped, and its files are removed.");
    println!();
    println!("  start of control plane, Kafka and example      {}", seconds(measured.started));
    println!("  kubectl apply of two people                    {}", seconds(measured.applied));
    println!("  from then until both are Ready                 {}", seconds(measured.synced));
    println!("  kubectl patch of one person until Ready        {}", seconds(measured.update));
    println!("  the whole demo                                 {}", seconds(start.elapsed()));
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:6.2} s", time.as_secs_f64())
}

/// Checks an expectation.
pub(crate) fn expect(holds: bool, expected: &str, seen: impl std::fmt::Display) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Unexpected { expected: expected.to_owned(), seen: seen.to_string() })
}
