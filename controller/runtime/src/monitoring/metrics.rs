//! The metrics of watches, pull steps and event steps, and the registry of all metrics. They are read from the states when
//! Prometheus asks for them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use xos_bus::ConsumerState;
use xos_engine::leader::LeaderState;
use xos_engine::pull::PullState;
use xos_engine::watch::{WatchId, WatchState};

use super::Monitored;
use super::reconcile_metrics::Reconciles;

/// Returns the registry of all metrics: `xos_…`, and those that are named as controller-runtime names them.
pub(super) fn registry(monitored: Monitored) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Reconciles(monitored.reconciler.clone())));
    registry.register_collector(Box::new(States(monitored)));
    registry
}

struct States(Monitored);

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("States").finish_non_exhaustive()
    }
}

/// A metric of each step: name, help text, type, value.
type Metric<S> = (&'static str, &'static str, MetricType, fn(&S) -> f64);

const PULLS: [Metric<PullState>; 5] = [
    ("xos_pull_runs", "Number of runs of a pull step", MetricType::Counter, |pull| count(pull.runs)),
    (
        "xos_pull_failures",
        "Number of failed runs of a pull step in a row; 0 after a success",
        MetricType::Gauge,
        |pull| count(pull.failures),
    ),
    ("xos_pull_up", "1 if the last run of a pull step succeeded, else 0", MetricType::Gauge, |pull| {
        is(pull.error.is_none())
    }),
    (
        "xos_pull_held",
        "Number of objects that a pull step would delete, and that are kept until somebody confirms it",
        MetricType::Gauge,
        |pull| size(pull.held),
    ),
    ("xos_pull_duration_seconds", "Duration of the last run of a pull step in seconds", MetricType::Gauge, |pull| {
        pull.took.as_secs_f64()
    }),
];

const CONSUMERS: [Metric<ConsumerState>; 19] = [
    ("xos_events_handled", "Number of events handled", MetricType::Counter, |one| count(one.handled)),
    ("xos_events_failed", "Number of failed attempts to handle an event", MetricType::Counter, |one| count(one.failed)),
    ("xos_events_parked", "Number of events parked", MetricType::Counter, |one| count(one.parked)),
    (
        "xos_events_missed",
        "Number of events that the retention of their topic has deleted before they were received",
        MetricType::Counter,
        |one| count(one.missed),
    ),
    ("xos_events_commits_refused", "Number of commits that the broker has refused", MetricType::Counter, |one| {
        count(one.commits_refused)
    }),
    (
        "xos_events_parked_now",
        "Number of events that are parked now, of the partitions assigned to this process",
        MetricType::Gauge,
        |one| size(one.parked_now),
    ),
    ("xos_events_not_parked", "Number of failed attempts to park an event", MetricType::Counter, |one| {
        count(one.not_parked)
    }),
    ("xos_events_restarts", "Number of restarts of the consumer", MetricType::Counter, |one| count(one.restarts)),
    (
        "xos_events_lag",
        "Number of events on the broker that are neither handled nor parked",
        MetricType::Gauge,
        |one| signed(one.lag),
    ),
    ("xos_events_held", "Number of events in memory", MetricType::Gauge, |one| size(one.held)),
    ("xos_events_partitions", "Number of partitions assigned to this process", MetricType::Gauge, |one| {
        size(one.partitions)
    }),
    (
        "xos_events_paused_partitions",
        "Number of these partitions that are paused because enough of their events are in memory",
        MetricType::Gauge,
        |one| size(one.paused),
    ),
    ("xos_events_target_up", "0 while the target of the step is away, else 1", MetricType::Gauge, |one| {
        is(one.away.is_none())
    }),
    ("xos_events_target_outages", "Number of times the target of the step went away", MetricType::Counter, |one| {
        count(one.outages)
    }),
    (
        "xos_events_waiting",
        "Number of events that wait for something that is not there yet",
        MetricType::Gauge,
        |one| size(one.waiting),
    ),
    (
        "xos_events_waiting_oldest_seconds",
        "Time for which the first of these events has waited, in seconds",
        MetricType::Gauge,
        |one| one.waiting_since.map_or(0.0, |since| Timestamp::now().duration_since(since).as_secs_f64().max(0.0)),
    ),
    (
        "xos_events_last_poll_timestamp_seconds",
        "Time of the last poll, in seconds since 1970",
        MetricType::Gauge,
        |one| at(one.last_poll),
    ),
    (
        "xos_events_last_event_timestamp_seconds",
        "Time of the last received event, in seconds since 1970",
        MetricType::Gauge,
        |one| at(one.last_event),
    ),
    ("xos_events_bus_up", "1 if the consumer can use the event bus, else 0", MetricType::Gauge, |one| {
        is(one.problem.is_none())
    }),
];

impl Collector for States {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        build_info(&mut encoder)?;
        watches(&mut encoder, &self.0.watches.all())?;
        leader(&mut encoder, &self.0.leadership.state())?;
        let help = "Number of other processes of the same name that work on the same objects";
        let others = i64::try_from(self.0.others.all().len()).unwrap_or(i64::MAX);
        ConstGauge::new(others).encode(encoder.encode_descriptor(
            "xos_other_processes",
            help,
            None,
            MetricType::Gauge,
        )?)?;
        let pulls = self.0.pulls.all();
        let consumers = self.0.consumers.all();
        PULLS.iter().try_for_each(|metric| family(&mut encoder, metric, &pulls, |pull| &pull.step))?;
        CONSUMERS.iter().try_for_each(|metric| family(&mut encoder, metric, &consumers, |consumer| &consumer.step))
    }
}

/// What the program is: the value is always 1.
fn build_info(encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "The program: its version, the revision of its source if known, and the compiler";
    let mut info = encoder.encode_descriptor("xos_build_info", help, None, MetricType::Gauge)?;
    let revision = option_env!("XOS_REVISION").filter(|revision| !revision.is_empty());
    let labels: Vec<_> = [("version", Some(env!("CARGO_PKG_VERSION"))), ("revision", revision)]
        .into_iter()
        .chain([("rustc", option_env!("XOS_RUSTC"))])
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    ConstGauge::new(1_i64).encode(info.encode_family(&labels)?)
}

/// The metrics of the election.
fn leader(encoder: &mut DescriptorEncoder<'_>, leader: &LeaderState) -> fmt::Result {
    let help = "1 if this process leads, 0 if it stands by";
    ConstGauge::new(i64::from(leader.leads)).encode(encoder.encode_descriptor(
        "xos_leader",
        help,
        None,
        MetricType::Gauge,
    )?)?;
    let help = "Number of changes of the leader since the Lease was made";
    ConstCounter::new(leader.transitions).encode(encoder.encode_descriptor(
        "xos_leader_transitions",
        help,
        None,
        MetricType::Counter,
    )?)?;
    let help = "Time of the last renewal of the Lease, in seconds since 1970; 0 without an election";
    ConstGauge::new(at(leader.renewed)).encode(encoder.encode_descriptor(
        "xos_leader_renewal_timestamp_seconds",
        help,
        None,
        MetricType::Gauge,
    )?)
}

/// The metrics of each watch.
fn watches(encoder: &mut DescriptorEncoder<'_>, watches: &BTreeMap<WatchId, WatchState>) -> fmt::Result {
    if watches.is_empty() {
        return Ok(());
    }
    let labels = |watch: &WatchId| {
        [("model", watch.model().to_owned()), ("namespace", watch.namespace().unwrap_or_default().to_owned())]
    };
    let help = "1 if changes of the model's objects are seen, else 0; namespace is empty for all namespaces";
    let mut up = encoder.encode_descriptor("xos_watch_up", help, None, MetricType::Gauge)?;
    for (watch, state) in watches {
        ConstGauge::new(i64::from(state.interrupted.is_none())).encode(up.encode_family(&labels(watch))?)?;
    }
    let help = "Time since something was last heard of the watch, in seconds";
    let name = "xos_watch_age";
    let mut age = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
    let now = Timestamp::now();
    for (watch, heard) in watches.iter().filter_map(|(watch, state)| Some((watch, state.heard?))) {
        let seconds = now.duration_since(heard).as_secs_f64().max(0.0);
        ConstGauge::new(seconds).encode(age.encode_family(&labels(watch))?)?;
    }
    let help = "Number of interruptions of the watch";
    let mut interruptions = encoder.encode_descriptor("xos_watch_interruptions", help, None, MetricType::Counter)?;
    for (watch, state) in watches {
        ConstCounter::new(state.interruptions).encode(interruptions.encode_family(&labels(watch))?)?;
    }
    Ok(())
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
