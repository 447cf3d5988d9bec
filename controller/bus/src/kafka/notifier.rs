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
        let note = format!(
            "event step {} receives no events until the event bus works again; check the brokers, the rights of the \
             Kafka user, and `event_bus` in the configuration: {problem}",
            self.step
        );
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

    /// Reports that the consumer has panicked, and is restarted.
    pub(crate) fn consumer_panicked(&self, panic: &str) {
        let reason = format!("it panicked, which is a fault of XOS; please report it with the log: {panic}");
        self.consumer_restarted(&reason);
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
             {from} to {}; make it longer (`retention.ms`, `retention.bytes`)",
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
        let note = format!(
            "the offsets of event step {} cannot be committed, trying again; check the brokers, and the right to READ the \
             consumer group: {error}",
            self.step
        );
        self.publish(Event::warning("CommitsRefused", note));
    }

    /// Publishes an event.
    pub(crate) fn publish(&self, event: Event) {
        self.events.publish_in_namespace(&self.namespace, event.of("Receive"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use xos_model::Object;

    use super::*;
    use crate::kafka::parked::Notices;

    #[derive(Debug, Default)]
    struct Log(Mutex<Vec<String>>);

    impl EventSink for Log {
        fn publish(&self, _: &Object, _: Event) {}

        fn publish_in_namespace(&self, _: &str, event: Event) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.to_string());
        }
    }

    #[test]
    fn a_problem_is_told_with_what_to_do() {
        let log = Arc::new(Log::default());
        let events: Arc<dyn EventSink> = Arc::<Log>::clone(&log);
        let notifier = Notifier { events, namespace: "default".to_owned(), step: "Step".to_owned() };
        notifier.bus_down("no route");
        notifier.consumer_panicked("oh no");
        notifier.events_missed(&TopicPartition { topic: "a".into(), partition: 0 }, 20, 60);
        notifier.commits_refused("not now");
        Notices::new(notifier).unreadable("no route");
        let told = [
            "EventBusDown: event step Step receives no events until the event bus works again; check the brokers, the \
             rights of the Kafka user, and `event_bus` in the configuration: no route",
            "ConsumerRestarted: the consumer of event step Step is restarted: it panicked, which is a fault of XOS; please \
             report it with the log: oh no",
            "EventsMissed: event step Step has missed events of a/0: the retention of the topic has deleted the offsets \
             from 20 to 59; make it longer (`retention.ms`, `retention.bytes`)",
            "CommitsRefused: the offsets of event step Step cannot be committed, trying again; check the brokers, and the \
             right to READ the consumer group: not now",
            "ParkedEventsUnreadable: event step Step waits, as it cannot read what is parked; check the brokers, and the \
             rights to DESCRIBE and READ the topics of parked events: no route",
        ];
        assert_eq!(*log.0.lock().unwrap(), told.map(|told| format!("Warning {told}")));
    }
}
