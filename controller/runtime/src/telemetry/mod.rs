//! Traces: one for each turn of an object, from the moment when a change is seen to the last save.

#[cfg(feature = "otlp")]
mod export;

#[cfg(feature = "otlp")]
pub(crate) use export::Exporter;

/// Why traces are not exported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracingError {
    #[cfg(feature = "otlp")]
    #[error("traces cannot be exported (`tracing.otlp_endpoint`, OTEL_EXPORTER_OTLP_ENDPOINT): {0}")]
    Exporter(#[source] Box<opentelemetry_otlp::ExporterBuildError>),
    #[cfg(feature = "otlp")]
    #[error("traces cannot be exported: {0}")]
    Client(#[source] reqwest::Error),
    #[cfg(not(feature = "otlp"))]
    #[error("`tracing.otlp_endpoint` is set, and this program was built without the feature `otlp`")]
    NotBuilt,
}

/// Returns the header `traceparent` of the current span, if spans are exported.
#[cfg(feature = "otlp")]
pub(crate) fn traceparent() -> Option<String> {
    use opentelemetry::trace::TraceContextExt as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    let context = tracing::Span::current().context();
    let span = context.span();
    let span = span.span_context();
    let told = || format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8());
    span.is_valid().then(told)
}

/// Spans are not exported.
#[cfg(not(feature = "otlp"))]
pub(crate) fn traceparent() -> Option<String> {
    None
}

#[cfg(not(feature = "otlp"))]
mod none {
    use tokio::runtime::Handle;

    use super::TracingError;
    use crate::config::Config;
    use crate::logging::BoxedLayer;

    /// What exports spans: there is none in this program.
    #[derive(Debug)]
    pub(crate) enum Exporter {}

    impl Exporter {
        pub(crate) fn of(config: &Config, _: &Handle) -> Result<Option<Self>, TracingError> {
            if config.tracing.otlp_endpoint.is_some() { Err(TracingError::NotBuilt) } else { Ok(None) }
        }

        pub(crate) fn layer(&self) -> BoxedLayer {
            match *self {}
        }

        pub(crate) fn end(self) {
            match self {}
        }
    }
}

#[cfg(not(feature = "otlp"))]
pub(crate) use none::Exporter;
