//! What a controller sees of its objects, and what it says when it does not: API servers without streaming lists, dead
//! connections, definitions and rights that go.

mod dead_connection;
mod definition_deleted;
mod no_streaming_lists;
mod right_missing;

use serde_json::{Value, json};
use xos_harness::eventually;
use xos_harness::inprocess::{Calls, Scripted};
use xos_runtime::Synchronizer;

use crate::monitoring::{Monitoring, TOLD};

impl Monitoring {
    pub(crate) fn config(&self) -> Value {
        json!({"monitoring_address": self.address, "finalizers_at_creation": false})
    }

    /// Waits until the controller is not ready for one reason, with these words in it.
    async fn not_ready(&self, words: &[&str]) {
        eventually(TOLD, format!("/readyz to say {words:?}"), async || match self.get("/readyz").await? {
            (503, text) if text.lines().count() == 1 && words.iter().all(|word| text.contains(word)) => Ok(()),
            (status, text) => Err(format!("{status} {text}")),
        })
        .await
        .unwrap();
    }

    async fn has_metric(&self, line: &str) {
        let (_, text) = self.get("/metrics").await.unwrap();
        assert!(text.lines().any(|there| there == line), "no {line} in:\n{text}");
    }
}

/// A synchronizer of these models that notes its calls.
fn synchronizer(name: &str, models: &str, kinds: &[&'static str], calls: &Calls) -> Synchronizer {
    let synchronizer = Synchronizer::new(name).models(&[("watches.xproto", models)]);
    kinds.iter().fold(synchronizer, |synchronizer, kind| synchronizer.sync_step(Scripted::noting(kind, kind, calls)))
}
