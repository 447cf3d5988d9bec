//! Traces by OTLP: what is exported, and where to.
//!
//! Spans are handed to a thread of the exporter, by a queue that drops what it has no room for: a collector that is away
//! holds nothing up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::{Layer, Registry};

use super::TracingError;
use crate::config::{Config, Tracing};
use crate::logging::BoxedLayer;

/// The environment variables that say where to, each before the next.
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
/// How long the last spans may take at the end of the process.
const FLUSH: Duration = Duration::from_secs(5);
/// How long a collector may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// What exports spans, as long as it is kept.
#[derive(Debug)]
pub(crate) struct Exporter(SdkTracerProvider);

impl Exporter {
    /// Makes an exporter, if the configuration or the environment says where to. It sends on `runtime`.
    pub(crate) fn of(config: &Config, runtime: &Handle) -> Result<Option<Self>, TracingError> {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_off = std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        let Tracing { otlp_endpoint, sample_ratio } = &config.tracing;
        let by_environment = ENDPOINTS.iter().any(|name| is_set(name));
        if is_off || (otlp_endpoint.is_none() && !by_environment) {
            return Ok(None);
        }
        let mut exporter = SpanExporter::builder().with_http().with_http_client(Sender::new(runtime.clone())?);
        if let Some(endpoint) = otlp_endpoint.as_deref().filter(|_| !by_environment) {
            exporter = exporter.with_endpoint(traces_url(endpoint));
        }
        let exporter = exporter.build().map_err(|error| TracingError::Exporter(Box::new(error)))?;
        let mut resource = Resource::builder();
        if !is_set("OTEL_SERVICE_NAME") {
            resource = resource.with_service_name(config.name.clone());
        }
        let mut provider = SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter);
        if !is_set("OTEL_TRACES_SAMPLER") {
            provider = provider.with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(*sample_ratio))));
        }
        Ok(Some(Self(provider.build())))
    }

    /// Returns the layer that makes spans to export of those of the program.
    pub(crate) fn layer(&self) -> BoxedLayer {
        // What the controller and the steps say at INFO, and the turns; not what the exporter itself does.
        let wanted = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target(xos_engine::TURNS, LevelFilter::TRACE)
            .with_targets(["hyper", "h2", "opentelemetry", "reqwest"].map(|target| (target, LevelFilter::OFF)));
        let layer = tracing_opentelemetry::layer::<Registry>().with_tracer(self.0.tracer("xos"));
        layer.with_location(false).with_threads(false).with_tracked_inactivity(false).with_filter(wanted).boxed()
    }

    /// Sends the last spans, as far as that does not take long. To be called outside of the runtime, which has to run.
    pub(crate) fn end(self) {
        if let Err(error) = self.0.shutdown_with_timeout(FLUSH) {
            tracing::warn!(%error, "the last spans are not exported");
        }
    }
}

/// Returns where traces go to: to `/v1/traces` of a collector, unless the endpoint has a path of its own.
fn traces_url(endpoint: &str) -> String {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    match rest.trim_end_matches('/').contains('/') {
        true => endpoint.to_owned(),
        false => format!("{}/v1/traces", endpoint.trim_end_matches('/')),
    }
}

/// Sends to the collector, and tells once that it is away.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    is_away: AtomicBool,
}

impl Sender {
    fn new(runtime: Handle) -> Result<Self, TracingError> {
        let client = xos_steps::http_client_builder().timeout(ANSWER).build().map_err(TracingError::Client)?;
        Ok(Self { client, runtime, is_away: AtomicBool::new(false) })
    }

    fn tell(&self, failure: Option<&str>) {
        let was_away = self.is_away.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(error) if !was_away => {
                tracing::warn!(error, "traces are not exported: the collector is away, or refuses them");
            }
            None if was_away => tracing::info!("traces are exported again"),
            _ => {}
        }
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        // The exporter's thread is none of the runtime's.
        let sent = self.runtime.spawn(async move {
            let mut answer = client.execute(reqwest::Request::try_from(request)?).await?;
            let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
            let mut response = Response::new(answer.bytes().await?);
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            Ok::<_, reqwest::Error>(response)
        });
        let response = match sent.await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                self.tell(Some(&xos_engine::api_error::with_causes(&error)));
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let refusal = (!response.status().is_success()).then(|| format!("it answers {}", response.status()));
        self.tell(refusal.as_deref());
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_is_added_where_there_is_none() {
        for (endpoint, url) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("https://otlp.example.org/otlp/v1/traces", "https://otlp.example.org/otlp/v1/traces"),
        ] {
            assert_eq!(traces_url(endpoint), url);
        }
    }
}
