//! The demo: what a person would do with the example, shown and checked.

use std::time::{Duration, Instant};

use xos_harness::{cluster, control, directory, example, kafka, kubectl, process, synchronizer, wait::Timeout};

use crate::{narrate::say, stage::Stage, story};

/// How much of the controller's log a failed demo shows.
pub(crate) const SHOWN_LINES: usize = 80;

/// The demo did not go as it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Something did not hold.
    #[error("expected {expected}, and saw: {seen}")]
    Unexpected {
        /// What should have been.
        expected: String,
        /// What was.
        seen: String,
    },
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
    /// Something that did not come.
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

/// Runs the demo; with `keep` it leaves everything running until it is dropped.
///
/// # Errors
/// With the first expectation that does not hold; the controller's log is printed before.
pub(crate) async fn run(keep: bool) -> Result<(), Error> {
    let start = Instant::now();
    let mut stage = Stage::set().await?;
    let started = start.elapsed();
    let told = story::tell(&mut stage, started).await;
    let Ok(measured) = told else {
        let log = stage.synchronizer_log();
        println!("\n--- the end of the controller's log ---\n{}", process::tail(&log, SHOWN_LINES));
        return told.map(drop);
    };
    if keep {
        return stage.keep().await;
    }
    stage.clear().await?;
    say("Everything that ran is stopped, and its files are gone.");
    println!();
    println!("  control plane, directory and synchronizer up   {}", seconds(measured.started));
    println!("  kubectl apply of two people                    {}", seconds(measured.applied));
    println!("  … and from then until both are Ready           {}", seconds(measured.synced));
    println!("  kubectl patch of one until Ready again         {}", seconds(measured.update));
    println!("  all of the demo                                {}", seconds(start.elapsed()));
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:6.2} s", time.as_secs_f64())
}

/// An expectation, checked.
pub(crate) fn expect(holds: bool, expected: &str, seen: impl std::fmt::Display) -> Result<(), Error> {
    if holds {
        return Ok(());
    }
    Err(Error::Unexpected { expected: expected.to_owned(), seen: seen.to_string() })
}
