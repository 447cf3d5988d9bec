//! What a controller sees of its objects, and what it says when it does not: API servers without streaming lists, dead
//! connections, definitions and rights that go.

mod dead_connection;
mod definition_deleted;
mod no_streaming_lists;
mod right_missing;
mod two_processes;

use std::time::Duration;

use serde_json::{Value, json};
use xos_harness::eventually;
use xos_harness::inprocess::{Calls, Scripted};
use xos_runtime::Synchronizer;

/// How long the controller may take to tell, and to take up again.
const TOLD: Duration = Duration::from_secs(90);

/// Where a controller serves its state.
struct Monitoring(String);

impl Monitoring {
    fn new() -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self(format!("127.0.0.1:{port}"))
    }

    fn config(&self) -> Value {
        json!({"monitoring_address": self.0, "finalizers_at_creation": false})
    }

    async fn get(&self, path: &str) -> Result<(u16, String), String> {
        let answer = reqwest::get(format!("http://{}{path}", self.0)).await.map_err(|error| error.to_string())?;
        Ok((answer.status().as_u16(), answer.text().await.map_err(|error| error.to_string())?))
    }

    /// Waits until the controller is ready.
    async fn ready(&self) {
        eventually(TOLD, "the controller to be ready", async || match self.get("/readyz").await? {
            (200, _) => Ok(()),
            (_, text) => Err(text),
        })
        .await
        .unwrap();
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
