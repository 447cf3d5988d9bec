//! The process that owns a broker: `xos-kafka serve`, and `xos-kafka run` for a person.

use std::{io, path::Path};

use super::{Broker, Error};

/// Runs a broker until `stop` ends. Calls `ready` with the broker's endpoint once.
///
/// Needs a runtime of the main thread: the broker is killed when the thread that started it ends.
///
/// # Errors
/// When the broker does not start, or ends by itself.
pub async fn run(stop: impl Future<Output = ()>, ready: impl FnOnce(String) -> io::Result<()>) -> Result<(), Error> {
    let folder = tempfile::Builder::new().prefix("xos-kafka-").tempdir()?;
    let mut broker = None;
    let end = tokio::select! {
        ended = live(folder.path(), &mut broker, ready) => ended,
        () = stop => Ok(()),
    };
    if let Some(mut broker) = broker {
        broker.kill().await?;
    }
    folder.close()?;
    end
}

/// Returns only when the broker does not start, or ends by itself.
async fn live(
    folder: &Path,
    broker: &mut Option<Broker>,
    ready: impl FnOnce(String) -> io::Result<()>,
) -> Result<(), Error> {
    let broker = broker.insert(Broker::start(folder).await?);
    ready(broker.endpoint())?;
    broker.wait().await?;
    Err(Error::Ended)
}
