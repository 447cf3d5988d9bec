//! Where a controller serves its metrics and its state.

use std::time::Duration;

use xos_harness::{control::free_ports, eventually};

/// How long the controller may take to tell, and to take up again.
pub(crate) const TOLD: Duration = Duration::from_secs(90);

/// Where a controller serves its metrics and its state.
pub(crate) struct Monitoring {
    /// The value of `monitoring_address`.
    pub(crate) address: String,
}

impl Monitoring {
    /// Returns an address that is free now.
    pub(crate) fn new() -> Self {
        let [port] = free_ports().unwrap();
        Self { address: format!("127.0.0.1:{port}") }
    }

    /// Returns the status and the text of an answer.
    pub(crate) async fn get(&self, path: &str) -> Result<(u16, String), String> {
        let url = format!("http://{}{path}", self.address);
        let answer = reqwest::get(url).await.map_err(|error| error.to_string())?;
        Ok((answer.status().as_u16(), answer.text().await.map_err(|error| error.to_string())?))
    }

    /// Waits until the controller is ready: it knows all objects.
    pub(crate) async fn ready(&self) {
        eventually(TOLD, "the controller to be ready", async || match self.get("/readyz").await? {
            (200, _) => Ok(()),
            (_, text) => Err(text),
        })
        .await
        .unwrap();
    }
}
