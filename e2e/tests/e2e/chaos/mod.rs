//! A controller that is killed again and again, or whose API server fails at random, still reaches the expected result.
//!
//! `xos_e2e::chaos` is the service, [`backend`] its backend, [`churn`] an operator who creates, changes and deletes its
//! objects and knows the expected result, [`proxy`] a proxy that makes the API server fail at random.
//!
//! `make chaos` does it at full length. XOS_SEED repeats the operator's changes.

pub(crate) mod backend;
pub(crate) mod churn;
mod killed;
pub(crate) mod proxy;
pub(crate) mod server;
mod storm;

use std::{env, path::PathBuf, time::Duration};

use serde_json::json;
use xos_e2e::chaos::MODELS;
use xos_harness::{TestNamespace, eventually, inprocess::Objects, synchronizer::Launch};

use backend::Backend;
use churn::Churn;

/// How long the controller may take after the last change until everything is as expected.
const SETTLED: Duration = Duration::from_secs(120);
/// How many objects the controller handles at once.
const CONCURRENCY: usize = 16;

/// Waits until the kinds are served.
pub(crate) async fn served(namespace: &TestNamespace) {
    let objects = Objects::new(namespace, MODELS).unwrap();
    for model in ["Site", "Slice", "Port"] {
        objects.served(model).await.unwrap();
    }
}

pub(crate) fn seed() -> u64 {
    let seed = number("XOS_SEED", rand::random());
    eprintln!("XOS_SEED={seed}");
    seed
}

pub(crate) fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The service, its backend and its operator in a namespace.
struct Chaos {
    backend: Backend,
    launch: Launch,
    churn: Churn,
}

impl Chaos {
    async fn new(namespace: &TestNamespace, kubeconfig: PathBuf, seed: u64) -> Self {
        let backend = Backend::start().await.unwrap();
        let folder = namespace.folder();
        let config = folder.join("chaos.yaml");
        std::fs::write(&config, "name: chaos\n").unwrap();
        let overlay = json!({
            "namespaces": [namespace.name()], "settings": {"backend_url": backend.url()}, "concurrency": CONCURRENCY,
            "api_timeout": "2s", "backoff": {"initial": "200ms", "max": "2s"},
            "logging": {"level": "info,xos_engine=debug"},
        });
        let log = namespace.log("synchronizer");
        let launch = Launch::with_kubeconfig("xos-chaos-synchronizer", &config, &overlay, folder, &log, kubeconfig);
        let churn = Churn::new(Objects::new(namespace, MODELS).unwrap(), seed);
        Self { backend, launch: launch.unwrap(), churn }
    }

    async fn settles(&self) {
        let all = eventually(SETTLED, "all to be as it should", async || self.churn.check(&self.backend).await);
        all.await.unwrap();
        // And nothing happens after that.
        let calls = self.backend.calls();
        self.churn.check(&self.backend).await.unwrap();
        assert_eq!(calls, self.backend.calls());
    }

    /// Returns how often a call was repeated. Each wanted value is new, so each call should be made once.
    fn repeated(&self) -> usize {
        self.backend.calls().values().map(|times| times - 1).sum()
    }
}
