//! The models of the benchmark, and a step that does nothing.

use std::{env, time::Duration};

use xos_model::Object;
use xos_steps::{Resync, StepContext, StepError, Steps, SyncStep};

use super::documents::step::HttpThing;

/// The models' text.
pub const MODELS: &str = include_str!("../../bench.xproto");
/// The environment variable with the resync period, in milliseconds.
pub const RESYNC: &str = "XOS_BENCH_RESYNC_MS";
/// The environment variable with the duration of the step, in milliseconds.
pub const TAKES: &str = "XOS_BENCH_STEP_MS";

/// The environment variable that says which step is built in: one that does nothing, or …
pub const STEP: &str = "XOS_BENCH_STEP";
/// … one that sends a request.
pub const HTTP: &str = "http";
/// … none: it is a document.
pub const NONE: &str = "none";

/// Returns the step that the environment asks for.
pub fn steps() -> Steps {
    match env::var(STEP).as_deref() {
        Ok(HTTP) => Steps::new().sync_step(HttpThing),
        Ok(NONE) => Steps::new(),
        _ => Steps::new().sync_step(SyncThing::from_environment()),
    }
}

/// A step that does nothing, or waits.
#[derive(Debug, Default)]
pub struct SyncThing {
    resync: Option<Duration>,
    takes: Option<Duration>,
}

impl SyncThing {
    /// Returns a step with the settings of the environment.
    #[must_use]
    pub fn from_environment() -> Self {
        let millis = |name| env::var(name).ok().and_then(|text| text.parse().ok()).map(Duration::from_millis);
        Self { resync: millis(RESYNC), takes: millis(TAKES) }
    }
}

impl SyncStep for SyncThing {
    type Model = Object;

    fn observes(&self) -> &str {
        "Thing"
    }

    fn also_observes(&self) -> Vec<String> {
        vec!["Link".to_owned()]
    }

    fn resync(&self) -> Resync {
        self.resync.map_or(Resync::Never, Resync::Every)
    }

    async fn sync_record(&self, _: &StepContext, _: &mut Object) -> Result<(), StepError> {
        if let Some(takes) = self.takes {
            tokio::time::sleep(takes).await;
        }
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}
