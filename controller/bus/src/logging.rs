//! librdkafka's log lines.

use rdkafka::config::RDKafkaLogLevel;

/// What a client says of a connection is told once, as the consumer's or producer's error; here it is for those who look closer.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
            tracing::error!(facility, "librdkafka: {message}");
        }
        RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning | RDKafkaLogLevel::Notice => {
            tracing::debug!(facility, "librdkafka: {message}");
        }
        RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => tracing::trace!(facility, "librdkafka: {message}"),
    }
}
