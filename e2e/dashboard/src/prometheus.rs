//! A Prometheus that scrapes one address. It ends with this process.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use serde_json::json;
use xos_harness::{
    control::free_ports,
    eventually,
    process::{self, Child},
    wait::Timeout,
};

/// Debian's program, which `e2e/prerequisites` looks for.
const PROGRAM: &str = "prometheus";
/// How long it may take until it is ready.
const STARTED: Duration = Duration::from_secs(60);
/// How long it may take to end.
const STOPPED: Duration = Duration::from_secs(10);

/// Prometheus failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Its process.
    #[error(transparent)]
    Process(#[from] process::Error),
    /// Its files, or a port for it.
    #[error("cannot prepare Prometheus")]
    System(#[from] std::io::Error),
    /// It does not answer.
    #[error("no answer from Prometheus")]
    Http(#[from] reqwest::Error),
    /// Its address.
    #[error("no address of Prometheus: {0}")]
    Address(String),
    /// It is not ready in time.
    #[error("{timeout}; the end of its log:\n{end}")]
    Timeout { timeout: Timeout, end: String },
}

/// A time between two points in time, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) begin: f64,
    end: f64,
}

impl Range {
    pub(crate) fn from_now(time: Duration) -> Self {
        let begin = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        Self { begin, end: begin + time.as_secs_f64() }
    }

    pub(crate) fn seconds(self) -> f64 {
        self.end - self.begin
    }
}

/// A running Prometheus.
pub(crate) struct Prometheus {
    child: Child,
    url: String,
    step: Duration,
    http: reqwest::Client,
}

impl Prometheus {
    /// Starts a Prometheus that scrapes `address` every `step`. Its files are in `folder`.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) async fn start(address: &str, step: Duration, folder: &Path) -> Result<Self, Error> {
        let every = format!("{}ms", step.as_millis());
        let config = json!({
            "global": {"scrape_interval": every, "scrape_timeout": every},
            "scrape_configs": [{"job_name": "example", "static_configs": [{"targets": [address]}]}],
        });
        let file = folder.join("prometheus.yaml");
        // JSON is YAML.
        fs::write(&file, config.to_string())?;
        let [port] = free_ports()?;
        let listen = format!("127.0.0.1:{port}");
        let child = Child::start(PROGRAM, &folder.join("prometheus.log"), Path::new(PROGRAM), |command| {
            let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
            command.arg(option("config.file", &file)).arg(option("storage.tsdb.path", &folder.join("prometheus")));
            command.arg(format!("--web.listen-address={listen}")).current_dir(folder);
        })?;
        // No TLS is used here, but the client is made with what the harness has chosen for it.
        let http = reqwest::Client::builder().no_proxy().build()?;
        let prometheus = Self { child, url: format!("http://{listen}"), step, http };
        prometheus.ready().await?;
        Ok(prometheus)
    }

    async fn ready(&self) -> Result<(), Error> {
        let look = async || -> Result<(), reqwest::Error> {
            self.http.get(format!("{}/-/ready", self.url)).send().await?.error_for_status()?;
            Ok(())
        };
        let is_ready = eventually(STARTED, "Prometheus to be ready", look).await;
        is_ready.map_err(|timeout| self.too_late(timeout))
    }

    /// Waits until an expression has a value.
    ///
    /// # Errors
    /// When it has none in time.
    pub(crate) async fn sees(&self, expression: &str) -> Result<(), Error> {
        let look = async || -> Result<(), String> {
            let answer = self.range(expression, Range::from_now(Duration::ZERO)).await;
            let answer = answer.map_err(|error| error.to_string())?;
            if answer.contains("\"values\"") { Ok(()) } else { Err(answer) }
        };
        let seen = eventually(STARTED, format!("Prometheus to see {expression}"), look).await;
        seen.map_err(|timeout| self.too_late(timeout))
    }

    fn too_late(&self, timeout: Timeout) -> Error {
        Error::Timeout { timeout, end: process::tail(self.child.log(), 20) }
    }

    /// Returns the answer to an expression, evaluated at each step of a time.
    ///
    /// # Errors
    /// When it does not answer. What it says of the expression is in the answer.
    pub(crate) async fn range(&self, expression: &str, range: Range) -> Result<String, Error> {
        let (begin, end) = (range.begin.to_string(), range.end.to_string());
        let step = self.step.as_secs_f64().to_string();
        let parameters = [("query", expression), ("start", &begin), ("end", &end), ("step", &step)];
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query_range", self.url), parameters);
        let url = url.map_err(|error| Error::Address(error.to_string()))?;
        Ok(self.http.get(url).send().await?.text().await?)
    }

    /// Stops it.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) async fn stop(mut self) -> Result<(), Error> {
        self.child.stop(STOPPED).await?;
        Ok(())
    }
}
