//! The metrics of sync steps, policies and the work queue. Where the meaning is the same, they have the names that
//! controller-runtime gives them, so that dashboards made for it work here.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use xos_engine::Priority;
use xos_engine::stats::{BUCKETS, Histogram, LaneStats, Snapshot};

use super::Reconciler;
use super::model_metrics::{models, resyncs};

/// The collector of these metrics.
#[derive(Debug)]
pub(super) struct Reconciles(pub(super) Reconciler);

impl Collector for Reconciles {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let snapshot = self.0.stats.snapshot();
        calls(&mut encoder, &snapshot)?;
        lanes(&mut encoder, &snapshot)?;
        models(&mut encoder, &snapshot)?;
        resyncs(&mut encoder, &snapshot)?;
        self.workers(&mut encoder, &snapshot)?;
        self.queue(&mut encoder, &snapshot)
    }
}

/// The metrics of each step and policy; its name is the label `controller`.
fn calls(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
    if snapshot.steps.is_empty() {
        return Ok(());
    }
    let help = "Number of calls of a sync step or policy, by result";
    let mut totals = encoder.encode_descriptor("controller_runtime_reconcile", help, None, MetricType::Counter)?;
    for (name, step) in &snapshot.steps {
        for (outcome, count) in &step.outcomes {
            let labels = [("controller", &**name), ("result", result(outcome))];
            ConstCounter::new(*count).encode(totals.encode_family(&labels)?)?;
        }
    }
    let help = "Number of calls of a sync step or policy that failed";
    let mut errors =
        encoder.encode_descriptor("controller_runtime_reconcile_errors", help, None, MetricType::Counter)?;
    for (name, step) in &snapshot.steps {
        let failed = step.outcomes.get("Failed").copied().unwrap_or_default();
        ConstCounter::new(failed).encode(errors.encode_family(&[("controller", &**name)])?)?;
    }
    let help = "Duration of calls of a sync step or policy in seconds";
    let name = "controller_runtime_reconcile_time";
    let mut times = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    for (name, step) in &snapshot.steps {
        histogram(times.encode_family(&[("controller", &**name)])?, &step.durations)?;
    }
    Ok(())
}

/// A metric of each lane: name, help text, type, value.
type LaneMetric = (&'static str, &'static str, MetricType, fn(&LaneStats) -> u64);

const LANES: [LaneMetric; 5] = [
    ("xos_step_running", "Number of objects that a step, or the policies of a model, has", MetricType::Gauge, |lane| {
        size(lane.running)
    }),
    ("xos_step_slow", "Number of these that take long", MetricType::Gauge, |lane| size(lane.slow)),
    (
        "xos_step_waiting",
        "Number of objects that wait for a place of the step, or for its target",
        MetricType::Gauge,
        |lane| size(lane.waiting),
    ),
    ("xos_step_target_up", "0 while the target of the step is away, else 1", MetricType::Gauge, |lane| {
        u64::from(lane.away_since.is_none())
    }),
    ("xos_step_target_outages", "Number of times the target of the step went away", MetricType::Counter, |lane| {
        lane.outages
    }),
];

/// The metrics of places and targets; the label `step` is the name of a step, or `policies of MyModel`.
fn lanes(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
    if snapshot.lanes.is_empty() {
        return Ok(());
    }
    for (name, help, type_, value) in LANES {
        let mut family = encoder.encode_descriptor(name, help, None, type_)?;
        for (step, lane) in &snapshot.lanes {
            let labels = [("step", &**step)];
            let one = family.encode_family(&labels)?;
            match type_ {
                MetricType::Counter => ConstCounter::new(value(lane)).encode(one)?,
                _ => ConstGauge::new(value(lane)).encode(one)?,
            }
        }
    }
    Ok(())
}

pub(super) fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Returns controller-runtime's word for an outcome, where it has one.
fn result(outcome: &str) -> &str {
    match outcome {
        "Succeeded" => "success",
        "Failed" => "error",
        "Deferred" => "requeue_after",
        "Innocuous" => "innocuous",
        "Unavailable" => "unavailable",
        other => other,
    }
}

impl Reconciles {
    fn workers(&self, encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
        let controller = [("controller", self.0.synchronizer.as_str())];
        let mut gauge = |name, help, value: usize| {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(family.encode_family(&controller)?)
        };
        let help = "Number of objects that are being reconciled";
        gauge("controller_runtime_active_workers", help, snapshot.active_workers)?;
        let help = "Number of objects that may be reconciled at once; slow ones are not counted";
        gauge("controller_runtime_max_concurrent_reconciles", help, self.0.concurrency)
    }

    fn queue(&self, encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
        let name = self.0.synchronizer.as_str();
        let help = "Number of objects that wait for a worker, by priority: change, retry or resync";
        let mut depth = encoder.encode_descriptor("workqueue_depth", help, None, MetricType::Gauge)?;
        for (priority, count) in Priority::ALL.into_iter().zip(snapshot.queue_depth) {
            let labels = [("name", name), ("controller", name), ("priority", priority.as_str())];
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(depth.encode_family(&labels)?)?;
        }
        let labels = [("name", name), ("controller", name)];
        let help = "Time that objects waited for a worker since they were due, in seconds";
        let seconds = Some(&Unit::Seconds);
        let mut waits = encoder.encode_descriptor("workqueue_queue_duration", help, seconds, MetricType::Histogram)?;
        histogram(waits.encode_family(&labels)?, &snapshot.queue_time)?;
        let help = "Time for which the oldest object has been reconciled, in seconds";
        let longest = "workqueue_longest_running_processor";
        let mut longest = encoder.encode_descriptor(longest, help, seconds, MetricType::Gauge)?;
        ConstGauge::new(snapshot.longest_running.as_secs_f64()).encode(longest.encode_family(&labels)?)
    }
}

pub(super) fn histogram(mut encoder: MetricEncoder<'_>, histogram: &Histogram) -> fmt::Result {
    let bounds = BUCKETS.into_iter().chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(histogram.counts).collect();
    encoder.encode_histogram::<NoLabelSet>(histogram.sum, histogram.count(), &buckets, None)
}
