//! What the demos that check every result have in common.

use xos_harness::Cluster;
use xos_harness::cli::{block_on, stop_signal};

use crate::narrate;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// Runs a demo to its end, or until Ctrl-C, which is a failure.
pub(crate) fn run(show: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    block_on(async {
        let stop = stop_signal()?;
        tokio::select! {
            shown = show => shown,
            () = stop => Err("stopped before its end".into()),
        }
    })
}

/// Fails unless what was expected is so.
pub(crate) fn expect(holds: bool, expected: &str, seen: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(format!("expected {expected}, but saw: {seen}").into()) }
}

/// Runs kubectl, and prints the command with its output.
pub(crate) async fn kubectl(cluster: &Cluster, arguments: &[&str]) -> Result<(), Failure> {
    narrate::command("kubectl", arguments);
    let output = cluster.kubectl().run(arguments).await?;
    narrate::output(&output.all());
    if output.status.success() { Ok(()) } else { Err(output.all().into()) }
}
