//! What is watched: a control plane, a Kafka broker, the directory, the example's synchronizer; and Prometheus.

use std::{path::PathBuf, time::Duration};

use serde_json::json;
use xos_harness::{
    Cluster, Directory, Synchronizer, cluster,
    control::{self, ServeOptions},
    directory,
    example::{self, People},
    kafka::{self, Kafka},
    process,
    synchronizer::{self, Launch},
    wait::Timeout,
};

use crate::{
    prometheus::{self, Prometheus, Range},
    traffic::{self, Traffic},
};

/// The namespace of the people.
const NAMESPACE: &str = "default";

/// The bus is there, and enough was scraped for a rate at the very begin.
const AT_WORK: &str = "min(xos_events_bus_up) == 1 and on() count_over_time(up[1m]) > 5";

/// What is watched could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
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
    /// Prometheus.
    #[error(transparent)]
    Prometheus(#[from] prometheus::Error),
    /// What is done with the example.
    #[error(transparent)]
    Traffic(#[from] traffic::Error),
    /// Something did not happen in time.
    #[error(transparent)]
    Timeout(#[from] Timeout),
    /// A folder, or a port.
    #[error("cannot prepare the example")]
    System(#[from] std::io::Error),
    /// The synchronizer ended.
    #[error("the synchronizer ended, {status}; the end of its log:\n{end}")]
    Ended { status: std::process::ExitStatus, end: String },
}

/// Everything that runs. All of it ends when this value is dropped.
pub(crate) struct Stage {
    // The fields are in the order in which they are dropped.
    prometheus: Prometheus,
    synchronizer: Synchronizer,
    traffic: Traffic,
    _kafka: Kafka,
    _folder: tempfile::TempDir,
    _cluster: Cluster,
}

impl Stage {
    /// Starts everything, and waits until people can be created.
    ///
    /// # Errors
    /// When one of the parts does not start.
    pub(crate) async fn start(step: Duration) -> Result<Self, Error> {
        let cluster = Cluster::start(ServeOptions::default()).await?;
        let folder = cluster.folder("xos-dashboard-")?;
        let directory = Directory::start(folder.path(), &folder.path().join("directory.log")).await?;
        let kafka = Kafka::start().await?;
        kafka.client().create_topic(traffic::TOPIC, 3).await?;
        let [port] = control::free_ports()?;
        let monitoring = format!("127.0.0.1:{port}");
        let more = json!({
            "event_bus": {"kind": "kafka", "endpoint": kafka.endpoint()},
            "monitoring_address": monitoring,
            // What takes hours or minutes elsewhere is to be seen in this short time.
            "resync": "30s",
            "probe_backoff": {"initial": "1s", "max": "2s"},
            "backoff": {"initial": "1s", "max": "4s"},
        });
        let log = folder.path().join("synchronizer.log");
        let launch: Launch = example::launch_with(&cluster, NAMESPACE, &directory, folder.path(), &log, &more).await?;
        let mut synchronizer = launch.start()?;
        let client = cluster.admin().await?;
        let people = People::new(client.clone(), NAMESPACE);
        tokio::select! {
            established = people.established() => established?,
            ended = synchronizer.wait() => return Err(Error::Ended { status: ended?, end: process::tail(&log, 20) }),
        }
        let traffic = Traffic::new(&client, NAMESPACE, directory, folder.path().to_owned(), kafka.client(), launch);
        let prometheus = Prometheus::start(&monitoring, step, folder.path()).await?;
        prometheus.sees(AT_WORK).await?;
        Ok(Self { prometheus, synchronizer, traffic, _kafka: kafka, _folder: folder, _cluster: cluster })
    }

    pub(crate) fn prometheus(&self) -> &Prometheus {
        &self.prometheus
    }

    /// Has the example work, and returns when that was.
    ///
    /// # Errors
    /// When something cannot be done, or the synchronizer ends.
    pub(crate) async fn work(&mut self) -> Result<Range, Error> {
        let range = Range::from_now(traffic::TIME);
        let log: PathBuf = self.synchronizer.log().to_owned();
        tokio::select! {
            done = self.traffic.run() => done?,
            ended = self.synchronizer.wait() => {
                return Err(Error::Ended { status: ended?, end: process::tail(&log, 20) });
            }
        }
        Ok(range)
    }

    /// Stops the programs that have something to finish.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        self.prometheus.stop().await?;
        self.synchronizer.stop().await?;
        Ok(())
    }
}
