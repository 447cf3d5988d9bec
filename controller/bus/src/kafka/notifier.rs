//! Reports a consumer's problems as Kubernetes Events of the namespace.

use std::sync::Arc;

use jiff::Timestamp;
use xos_steps::{Event, EventSink};

use super::topic_partition::TopicPartition;

/// Reports the problems of one step's consumer. It never waits.
#[derive(Clone, Debug)]
pub(crate) struct Notifier {
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) namespace: String,
    pub(crate) step: String,
}

impl Notifier {
    /// Reports that the event bus cannot be used.
    pub(crate) fn bus_down(&self, problem: &str) {
        let note = format!("event step {} receives no events until the event bus works again: {problem}", self.step);
        self.publish(Event::warning("EventBusDown", note));
    }

    /// Reports that the event bus works again.
    pub(crate) fn bus_up(&self) {
        self.publish(Event::normal("EventBusUp", format!("event step {} can use the event bus again", self.step)));
    }

    /// Reports that the consumer is restarted.
    pub(crate) fn consumer_restarted(&self, reason: &str) {
        let note = format!("the consumer of event step {} is restarted: {reason}", self.step);
        self.publish(Event::warning("ConsumerRestarted", note));
    }

    /// Reports that the target of the step is away; the message says since when and why.
    pub(crate) fn target_away(&self, message: &str) {
        self.publish(Event::warning("TargetAway", format!("{message}: its events wait until it is there again")));
    }

    /// Reports that the target of the step is there again.
    pub(crate) fn target_back(&self, since: Timestamp) {
        let note = format!("the target of {} is there again: it was away since {since:.0}", self.step);
        self.publish(Event::normal("TargetBack", note));
    }

    /// Reports that retention has deleted events before they were received.
    pub(crate) fn events_missed(&self, partition: &TopicPartition, from: i64, to: i64) {
        let step = &self.step;
        let note = format!(
            "event step {step} has missed events of {partition}: the retention of the topic has deleted the offsets from \
             {from} to {}",
            to - 1
        );
        self.publish(Event::warning("EventsMissed", note));
    }

    /// Reports that the step stands still.
    pub(crate) fn events_stopped(&self, reason: &str) {
        self.publish(Event::warning("EventsStopped", reason.to_owned()));
    }

    /// Reports that offsets cannot be committed.
    pub(crate) fn commits_refused(&self, error: &str) {
        let note = format!("the offsets of event step {} cannot be committed, trying again: {error}", self.step);
        self.publish(Event::warning("CommitsRefused", note));
    }

    /// Publishes an event.
    pub(crate) fn publish(&self, event: Event) {
        self.events.publish_in_namespace(&self.namespace, event.of("Receive"));
    }
}
