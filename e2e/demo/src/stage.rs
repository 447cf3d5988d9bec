//! What the demo runs on: a control plane, a Kafka broker, the directory, the example's synchronizer.

use std::path::PathBuf;

use serde_json::json;
use xos_harness::{
    Cluster, Directory, Synchronizer,
    control::Served,
    example::{self, People},
    kafka::Kafka,
    kubectl::Output,
    process,
    synchronizer::Launch,
};

use crate::{
    demo::{Error, SHOWN_LINES, expect},
    narrate,
};

/// The namespace of the demo's people.
const NAMESPACE: &str = "default";

/// Everything that runs. All of it ends when this value is dropped.
pub(crate) struct Stage {
    // The fields are in the order in which they are dropped.
    synchronizer: Synchronizer,
    launch: Launch,
    pub(crate) directory: Directory,
    pub(crate) people: People,
    pub(crate) kafka: Kafka,
    folder: tempfile::TempDir,
    cluster: Cluster,
}

impl Stage {
    /// Starts everything, and waits until people can be created.
    pub(crate) async fn start() -> Result<Self, Error> {
        narrate::say("Start a control plane: etcd, kube-apiserver and kube-controller-manager.");
        let cluster = Cluster::given_or_own().await?;
        narrate::say("Start the backend, a directory of people.");
        let folder = cluster.folder("xos-demo-")?;
        let directory = Directory::start(folder.path(), &folder.path().join("directory.log")).await?;
        println!("the directory listens on {}", directory.url());
        narrate::say("Start the event bus, a Kafka broker.");
        let kafka = Kafka::start().await?;
        println!("the broker listens on {}", kafka.endpoint());
        narrate::say("Start the synchronizer, with its own ServiceAccount.");
        let log = folder.path().join("synchronizer.log");
        let launch = {
            let bus = json!({"event_bus": {"kind": "kafka", "endpoint": kafka.endpoint()}});
            example::launch_with(&cluster, NAMESPACE, &directory, folder.path(), &log, &bus).await?
        };
        let mut synchronizer = launch.start()?;
        let people = People::new(cluster.admin().await?, NAMESPACE);
        tokio::select! {
            established = people.established() => established?,
            ended = synchronizer.wait() => {
                let end = process::tail(&log, SHOWN_LINES);
                expect(false, "the synchronizer to run", format!("it ended, {}; its log's end:\n{end}", ended?))?;
            }
        }
        println!("it has installed the kinds MyModel and Team");
        Ok(Self { synchronizer, launch, directory, people, kafka, cluster, folder })
    }

    /// Runs a kubectl command and prints it with its output. The command has to succeed.
    pub(crate) async fn kubectl(&self, arguments: &[&str]) -> Result<String, Error> {
        let output = self.try_kubectl(arguments).await?;
        expect(output.status.success(), &format!("kubectl {} to succeed", arguments.join(" ")), output.all())?;
        Ok(output.stdout)
    }

    /// Runs a kubectl command and prints it with its output.
    pub(crate) async fn try_kubectl(&self, arguments: &[&str]) -> Result<Output, Error> {
        narrate::command("kubectl", arguments);
        let output = self.cluster.kubectl().run(arguments).await?;
        narrate::output(&output.all());
        Ok(output)
    }

    /// Prints what is in the directory, and returns the full names.
    pub(crate) async fn show_directory(&self) -> Result<Vec<String>, Error> {
        narrate::command("curl", &[&format!("{}/people", self.directory.url())]);
        narrate::output(&format!("{:#}", self.directory.people_json().await?));
        Ok(self.directory.people().await?.into_values().map(|person| person.full_name).collect())
    }

    /// Returns the output of `events parked`.
    pub(crate) async fn parked(&self) -> Result<String, Error> {
        Ok(self.launch.command(&["events", "parked"]).await?.0)
    }

    pub(crate) fn synchronizer_log(&self) -> PathBuf {
        self.synchronizer.log().to_owned()
    }

    /// Leaves everything running until this process is stopped.
    pub(crate) async fn keep(mut self) -> Result<(), Error> {
        narrate::say("Everything keeps running. Create the two people again; then try this in another terminal:");
        self.kubectl(&["apply", "-f", "config/example/people.yaml"]).await?;
        let ready = self.cluster.served().map(Served::ready);
        println!("\nexport KUBECONFIG={}", self.cluster.kubeconfig().display());
        if let Some(ready) = ready {
            println!("export PATH={}:\"$PATH\"", ready.bin_dir.display());
        }
        println!("kubectl get mymodels --watch");
        println!("kubectl edit mymodel");
        println!("curl {}/people", self.directory.url());
        println!("tail -f {}", self.synchronizer_log().display());
        println!("\nCtrl-C stops everything.");
        let ended = self.synchronizer.wait().await?;
        expect(false, "the synchronizer to run", format!("it ended, {ended}"))
    }

    /// Stops everything, and checks that it has ended.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        let Self { mut synchronizer, launch: _, directory, people: _, kafka, cluster, folder } = self;
        let status = synchronizer.stop().await?;
        let seen = status.map_or("it had to be killed".to_owned(), |status| status.to_string());
        expect(
            status.is_some_and(|status| status.success()),
            "the synchronizer to end without an error when it is stopped",
            seen,
        )?;
        directory.stop().await?;
        drop(kafka);
        folder.close()?;
        drop(cluster);
        Ok(())
    }
}
