//! What people hear of a consumer: Events of the namespace.

use std::sync::Arc;

use xos_steps::{Event, EventSink};

/// Tells how a step's consumer fares. It never waits.
#[derive(Clone, Debug)]
pub(crate) struct Teller {
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) namespace: String,
    pub(crate) step: String,
}

impl Teller {
    /// The bus is not as it should be.
    pub(crate) fn is_down(&self, problem: &str) {
        self.tell(Event::warning("EventBusDown", format!("{}: {problem}; its events wait", self.step)));
    }

    /// It is again.
    pub(crate) fn is_up(&self) {
        self.tell(Event::normal("EventBusUp", format!("the event bus answers {} again", self.step)));
    }

    /// A consumer has stopped receiving.
    pub(crate) fn is_silent(&self, reason: &str) {
        let note = format!("the consumer of {} is made anew: {reason}", self.step);
        self.tell(Event::warning("ConsumerRestarted", note));
    }

    fn tell(&self, event: Event) {
        self.events.tell(&self.namespace, event.of("Receive"));
    }
}
