//! How pull steps and event steps fare, for Prometheus: read from their states when it asks.

use std::fmt;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use xos_bus::ConsumerState;
use xos_engine::pull::PullState;

use super::Monitored;

/// All metrics, named `xos_…`.
pub(super) fn registry(monitored: Monitored) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(States(monitored)));
    registry
}

#[derive(Debug)]
struct States(Monitored);

/// A metric of each step: its name, what it is, its type, its value.
type Metric<S> = (&'static str, &'static str, MetricType, fn(&S) -> f64);

const PULLS: [Metric<PullState>; 4] = [
    ("xos_pull_runs", "Runs of a pull step", MetricType::Counter, |pull| count(pull.runs)),
    ("xos_pull_failures", "Failures of a pull step in a row; 0 after a success", MetricType::Gauge, |pull| {
        count(pull.failures)
    }),
    ("xos_pull_up", "Whether the last run of a pull step succeeded", MetricType::Gauge, |pull| {
        is(pull.error.is_none())
    }),
    ("xos_pull_duration_seconds", "How long the last run of a pull step took", MetricType::Gauge, |pull| {
        pull.took.as_secs_f64()
    }),
];

const CONSUMERS: [Metric<ConsumerState>; 11] = [
    ("xos_events_handled", "Events that have had their effect", MetricType::Counter, |one| count(one.handled)),
    ("xos_events_failed", "Attempts at an event that failed", MetricType::Counter, |one| count(one.failed)),
    ("xos_events_parked", "Events that were parked", MetricType::Counter, |one| count(one.parked)),
    ("xos_events_restarts", "Consumers made anew, because one had stopped receiving", MetricType::Counter, |one| {
        count(one.restarts)
    }),
    ("xos_events_lag", "Events on the broker that are not done", MetricType::Gauge, |one| signed(one.lag)),
    ("xos_events_held", "Events in memory", MetricType::Gauge, |one| size(one.held)),
    ("xos_events_partitions", "Partitions that this process has", MetricType::Gauge, |one| size(one.partitions)),
    ("xos_events_paused_partitions", "Those of them that are paused", MetricType::Gauge, |one| size(one.paused)),
    ("xos_events_last_poll_timestamp_seconds", "When events were last asked for", MetricType::Gauge, |one| {
        at(one.last_poll)
    }),
    ("xos_events_last_event_timestamp_seconds", "When an event last came", MetricType::Gauge, |one| at(one.last_event)),
    ("xos_events_bus_up", "Whether the bus is as it should be", MetricType::Gauge, |one| is(one.problem.is_none())),
];

impl Collector for States {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (pulls, consumers) = (self.0.pulls.all(), self.0.consumers.all());
        PULLS.iter().try_for_each(|metric| family(&mut encoder, metric, &pulls, |pull| &pull.step))?;
        CONSUMERS.iter().try_for_each(|metric| family(&mut encoder, metric, &consumers, |consumer| &consumer.step))
    }
}

fn family<S>(
    encoder: &mut DescriptorEncoder<'_>,
    &(name, help, type_, value): &Metric<S>,
    states: &[S],
    step: fn(&S) -> &String,
) -> fmt::Result {
    if states.is_empty() {
        return Ok(());
    }
    let mut family = encoder.encode_descriptor(name, help, None, type_)?;
    for state in states {
        let labels = [("step", step(state).as_str())];
        let one = family.encode_family(&labels)?;
        match type_ {
            MetricType::Counter => ConstCounter::new(value(state)).encode(one)?,
            _ => ConstGauge::new(value(state)).encode(one)?,
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far from 2^52")]
fn count(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "far from 2^52")]
fn size(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "far from 2^52")]
fn signed(count: i64) -> f64 {
    count as f64
}

fn at(time: Option<Timestamp>) -> f64 {
    time.map_or(0.0, |time| time.as_duration().as_secs_f64())
}

fn is(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}
