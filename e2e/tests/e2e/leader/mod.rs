//! Several processes of one synchronizer: one leads, and what happens when it ends, is killed, stands still, or does not
//! reach the API server.
//!
//! The service is that of the chaos tests: its backend records which calls of one object run at once.

mod api_server_away;
mod churn;
mod hand_over;
mod killed;
mod one_after_another;
mod stopped;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xos_e2e::chaos::MODELS;
use xos_harness::inprocess::Objects;
use xos_harness::synchronizer::{Launch, Synchronizer};
use xos_harness::{TestNamespace, eventually};

use crate::chaos::backend::Backend;
use crate::monitoring::Monitoring;

/// How long anything may take that these tests do not measure.
const SOON: Duration = Duration::from_secs(60);
/// A Lease that lasts for 3 s.
const SHORT: [&str; 3] = ["3s", "2s", "500ms"];

/// A process.
struct Replica {
    launch: Launch,
    synchronizer: Synchronizer,
    monitoring: Monitoring,
}

impl Replica {
    /// Returns the number of its process.
    fn pid(&self) -> u32 {
        self.synchronizer.id().unwrap()
    }

    /// Returns whether it says that it leads.
    async fn leads(&self) -> Result<bool, String> {
        let (_, text) = self.monitoring.get("/metrics").await?;
        Ok(text.lines().any(|line| line == "xos_leader 1"))
    }

    /// Waits until it is ready, and says that it leads or stands by.
    async fn says(&self, words: &str) {
        eventually(SOON, format!("/readyz to say {words}"), async || match self.monitoring.get("/readyz").await? {
            (200, text) if text.contains(words) => Ok(()),
            (status, text) => Err(format!("{status} {text}")),
        })
        .await
        .unwrap();
    }
}

/// Several processes of the chaos service, its backend and its objects.
struct Replicas {
    backend: Backend,
    objects: Objects,
    all: Vec<Replica>,
}

impl Replicas {
    /// Starts so many, with these times of the Lease, and waits until one leads and the others are ready to.
    async fn start(namespace: &TestNamespace, kubeconfig: PathBuf, count: usize, times: [&str; 3]) -> Self {
        let backend = Backend::start().await.unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        let config = namespace.folder().join("chaos.yaml");
        std::fs::write(&config, "name: chaos\n").unwrap();
        let mut all = vec![];
        for number in 0..count {
            let monitoring = Monitoring::new();
            let [duration, renew_deadline, retry_period] = times;
            let mut overlay = json!({
                "namespaces": [namespace.name()], "settings": {"backend_url": backend.url()},
                "backoff": {"initial": "200ms", "max": "2s"}, "leader_election": true,
                "lease": {
                    "namespace": namespace.name(), "duration": duration, "renew_deadline": renew_deadline,
                    "retry_period": retry_period,
                },
                "logging": {"level": "info,xos_engine=debug"},
            });
            overlay.as_object_mut().unwrap().extend(monitoring.config().as_object().unwrap().clone());
            let folder = namespace.folder().join(number.to_string());
            std::fs::create_dir(&folder).unwrap();
            let log = namespace.log(&format!("replica-{number}"));
            let launch =
                Launch::with_kubeconfig("xos-chaos-synchronizer", &config, &overlay, &folder, &log, kubeconfig.clone());
            let launch = launch.unwrap();
            let synchronizer = launch.start().unwrap();
            all.push(Replica { launch, synchronizer, monitoring });
        }
        let replicas = Self { backend, objects, all };
        replicas.leader().await;
        replicas.all_ready().await;
        replicas
    }

    /// Waits until one leads, and returns which.
    async fn leader(&self) -> usize {
        let leader = eventually(SOON, "one process to lead", async || {
            let mut leaders = vec![];
            for (number, replica) in self.all.iter().enumerate() {
                // One that is stopped, or starts, says nothing.
                let says = tokio::time::timeout(Duration::from_millis(500), replica.leads()).await;
                if matches!(says, Ok(Ok(true))) {
                    leaders.push(number);
                }
            }
            if let [leader] = leaders[..] { Ok(leader) } else { Err(format!("{leaders:?}")) }
        });
        leader.await.unwrap()
    }

    /// Waits until all processes are ready: they lead, or know all objects and stand by.
    async fn all_ready(&self) {
        for replica in &self.all {
            replica.says("ok").await;
        }
    }

    /// Starts a process again.
    async fn restart(&mut self, number: usize) {
        let replica = &mut self.all[number];
        replica.synchronizer = replica.launch.start().unwrap();
        replica.says("ok").await;
    }

    /// Creates a site, and returns how long it takes from `since` until it is Ready.
    async fn until_ready(&self, name: &str, since: Instant) -> Duration {
        self.objects.create("Site", name, json!({"region": name})).await.unwrap();
        self.objects.ready("Site", name).await.unwrap();
        since.elapsed()
    }

    /// Asserts that no two calls of one object ran at once.
    fn assert_no_overlap(&self) {
        assert_eq!(self.backend.overlaps(), []);
    }
}

/// Returns the Lease.
async fn lease(namespace: &TestNamespace) -> Value {
    let text = namespace.kubectl(&["get", "lease", "leader-xos-chaos", "-o", "json"]).await.unwrap();
    serde_json::from_str(&text).unwrap()
}
