//! Kubernetes Events: of failures and refusals, and those that steps publish.

mod outbox;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ObjectReference;
use tokio::sync::mpsc::{Sender, channel};
use xos_model::Object;
use xos_steps::{Event, EventSink};

use crate::clock::Clock;
use crate::registry::LiveRegistry;

pub use outbox::{Outbox, send};

/// How many events may wait to be sent; more are dropped.
const WAITING: usize = 256;
/// The API server keeps events for an hour; one that goes on is sent again before it is forgotten.
const SENT_AGAIN: SignedDuration = SignedDuration::from_mins(20);
/// How many events are remembered, before those are forgotten that may be sent again.
const REMEMBERED: usize = 10_000;
/// The API's limits.
const LONGEST_REASON: usize = 128;
const LONGEST_NOTE: usize = 1024;

/// The events that were sent: the same one again is sent only after a while.
#[derive(Debug, Default)]
pub struct RecentEvents(HashMap<(String, Event), Timestamp>);

impl RecentEvents {
    /// Returns whether an event of an object (by its uid) is to be sent now, and remembers it.
    pub(crate) fn admit(&mut self, uid: &str, event: &Event, now: Timestamp) -> bool {
        // Not what was sent before the clock was set back.
        let is_recent = |at: &Timestamp| (SignedDuration::ZERO..SENT_AGAIN).contains(&now.duration_since(*at));
        let key = (uid.to_owned(), event.clone());
        if self.0.get(&key).is_some_and(is_recent) {
            return false;
        }
        if self.0.len() >= REMEMBERED {
            self.0.retain(|_, at| is_recent(at));
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(key, now);
        true
    }
}

/// Sends events to the API server, one after another.
pub struct KubeEvents {
    registry: LiveRegistry,
    clock: Arc<dyn Clock>,
    recent: Mutex<RecentEvents>,
    sender: Sender<(Event, ObjectReference)>,
}

impl KubeEvents {
    /// Returns a sink for the objects of a registry, and the outbox that [`send`] takes.
    pub fn new(registry: LiveRegistry, clock: Arc<dyn Clock>) -> (Self, Outbox) {
        let (sender, waiting) = channel(WAITING);
        (Self { registry, clock, recent: Mutex::default(), sender }, Outbox(waiting))
    }
}

impl EventSink for KubeEvents {
    fn publish(&self, object: &Object, event: Event) {
        let registry = self.registry.now();
        let Some(entry) = registry.get(&object.model) else { return };
        let meta = &object.meta;
        let resource = &entry.resource;
        let reference = ObjectReference {
            api_version: Some(resource.api_version.clone()),
            kind: Some(resource.kind.clone()),
            namespace: Some(meta.namespace.clone()),
            name: Some(meta.name.clone()),
            uid: Some(meta.uid.clone()),
            resource_version: None,
            field_path: None,
        };
        self.post(&meta.uid, event, reference);
    }

    fn publish_in_namespace(&self, namespace: &str, event: Event) {
        let reference = ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Namespace".to_owned()),
            // An event is in the namespace of what it is about.
            namespace: Some(namespace.to_owned()),
            name: Some(namespace.to_owned()),
            ..ObjectReference::default()
        };
        self.post(namespace, event, reference);
    }
}

impl KubeEvents {
    /// Publishes an Event of an object that is none of the models.
    pub(crate) fn publish_about(&self, about: ObjectReference, event: Event) {
        let key = format!("{:?}/{:?}", about.kind, about.name);
        self.post(&key, event, about);
    }

    fn post(&self, about: &str, event: Event, reference: ObjectReference) {
        let event = shortened(event);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if !recent.admit(about, &event, self.clock.now()) {
            return;
        }
        drop(recent);
        if self.sender.try_send((event, reference)).is_err() {
            tracing::debug!(about, "too many events at once: one was dropped");
        }
    }
}

/// Returns an event within the API's limits.
pub(crate) fn shortened(event: Event) -> Event {
    let Event { is_warning, reason, note, action } = event;
    let [reason, action] = [reason, action].map(|word| cut(word, LONGEST_REASON));
    Event { is_warning, reason, note: cut(note, LONGEST_NOTE), action }
}

/// Cuts a text to at most `bytes` bytes, between two characters.
fn cut(mut text: String, bytes: usize) -> String {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_again_is_news_only_after_a_while() {
        let mut recent = RecentEvents::default();
        let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let event = Event::warning("SyncFailed", "no route");
        assert!(recent.admit("u", &event, at(0)));
        assert!(!recent.admit("u", &event, at(19)));
        assert!(recent.admit("v", &event, at(19)));
        assert!(recent.admit("u", &Event::warning("SyncFailed", "refused"), at(19)));
        assert!(recent.admit("u", &event, at(20)));
    }

    #[test]
    fn memory_is_bounded() {
        let mut recent = RecentEvents::default();
        for n in 0..3 * REMEMBERED {
            recent.admit(&n.to_string(), &Event::normal("A", ""), Timestamp::UNIX_EPOCH);
        }
        assert!(recent.0.len() <= REMEMBERED);
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("äöü".to_owned(), 3), "ä");
        assert_eq!(cut("abc".to_owned(), 9), "abc");
    }
}
