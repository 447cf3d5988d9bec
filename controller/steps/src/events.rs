//! Kubernetes Events: `kubectl describe` and `kubectl get events` show them.

use std::fmt;

use xos_model::Object;

/// A Kubernetes Event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Whether it is a warning.
    pub is_warning: bool,
    /// The reason: one CamelCase word of at most 128 characters.
    pub reason: String,
    /// What happened, in words; cut at 1,024 bytes.
    pub note: String,
    /// The action: `Sync`, `Delete`, or a word of the step.
    pub action: String,
}

impl Event {
    /// Makes an event of type `Normal`.
    pub fn normal(reason: &str, note: impl Into<String>) -> Self {
        Self { is_warning: false, reason: reason.to_owned(), note: note.into(), action: reason.to_owned() }
    }

    /// Makes an event of type `Warning`: somebody may have to act.
    pub fn warning(reason: &str, note: impl Into<String>) -> Self {
        Self { is_warning: true, ..Self::normal(reason, note) }
    }

    /// Sets the action; by default it is the reason.
    #[must_use]
    pub fn of(self, action: &str) -> Self {
        Self { action: action.to_owned(), ..self }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_warning { "Warning" } else { "Normal" };
        write!(f, "{kind} {}: {}", self.reason, self.note)
    }
}

/// Sends Kubernetes Events. It never waits and never fails: an event that cannot be sent is dropped.
pub trait EventSink: Send + Sync {
    /// Sends an event about an object. The same event is not sent again soon after.
    fn publish(&self, object: &Object, event: Event);

    /// Sends an event about a namespace, such as a backend that cannot be reached.
    fn publish_in_namespace(&self, namespace: &str, event: Event);
}

impl fmt::Debug for dyn EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventSink")
    }
}

/// Drops all events.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn publish(&self, _: &Object, _: Event) {}

    fn publish_in_namespace(&self, _: &str, _: Event) {}
}
