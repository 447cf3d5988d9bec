//! The metrics of models and of resyncs.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use xos_engine::stats::Snapshot;

use super::reconcile_metrics::{histogram, size};

/// The metrics of each model.
pub(super) fn models(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
    if snapshot.models.is_empty() {
        return Ok(());
    }
    let help = "Number of objects that wait for others, or whose deletion is held";
    let mut waiting = encoder.encode_descriptor("xos_dependency_waits", help, None, MetricType::Gauge)?;
    for (model, stats) in &snapshot.models {
        ConstGauge::new(size(stats.waiting)).encode(waiting.encode_family(&[("model", &**model)])?)?;
    }
    let help = "Time from a change of an object to Ready at its generation, in seconds";
    let seconds = Some(&Unit::Seconds);
    let mut times = encoder.encode_descriptor("xos_time_to_ready", help, seconds, MetricType::Histogram)?;
    for (model, stats) in &snapshot.models {
        histogram(times.encode_family(&[("model", &**model)])?, &stats.time_to_ready)?;
    }
    Ok(())
}

/// The metrics of each step that looks after clean objects.
pub(super) fn resyncs(encoder: &mut DescriptorEncoder<'_>, snapshot: &Snapshot) -> fmt::Result {
    if snapshot.resyncs.is_empty() {
        return Ok(());
    }
    let help = "Number of calls of a sync step for objects that were clean, by result";
    let mut totals = encoder.encode_descriptor("xos_resyncs", help, None, MetricType::Counter)?;
    for (step, stats) in &snapshot.resyncs {
        let results =
            [("unchanged", stats.unchanged), ("changed", stats.changed), ("unsuccessful", stats.unsuccessful)];
        for (result, count) in results {
            ConstCounter::new(count).encode(totals.encode_family(&[("step", &**step), ("result", result)])?)?;
        }
    }
    Ok(())
}
