//! Events, kept for tests.

use xos_model::Object;
use xos_steps::{Event, EventSink};

use super::MemoryApi;
use crate::events::shortened;

impl EventSink for MemoryApi {
    fn publish(&self, object: &Object, event: Event) {
        let event = shortened(event);
        let mut state = self.state();
        if state.recent.admit(&object.meta.uid, &event, self.clock.now()) {
            state.events.push(format!("{event} ({})", object.key()));
        }
    }

    fn publish_in_namespace(&self, namespace: &str, event: Event) {
        let event = shortened(event);
        let mut state = self.state();
        if state.recent.admit(namespace, &event, self.clock.now()) {
            state.events.push(format!("{event} (Namespace {namespace})"));
        }
    }
}
