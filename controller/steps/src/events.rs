//! Events: what people see in `kubectl describe` and `kubectl get events`.

use std::fmt;

use xos_model::Object;

/// Something that people should hear of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// Whether it is a warning.
    pub is_warning: bool,
    /// Why, in one CamelCase word for programs, at most 128 characters.
    pub reason: String,
    /// What happened, for people; cut at 1,024 bytes.
    pub note: String,
    /// What was being done: `Sync`, `Delete`, or a step's own word.
    pub action: String,
}

impl Event {
    /// Something went as it should.
    pub fn normal(reason: &str, note: impl Into<String>) -> Self {
        Self { is_warning: false, reason: reason.to_owned(), note: note.into(), action: reason.to_owned() }
    }

    /// Somebody may have to do something.
    pub fn warning(reason: &str, note: impl Into<String>) -> Self {
        Self { is_warning: true, ..Self::normal(reason, note) }
    }

    /// The same, of another action.
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

/// Where events go. It never waits and never fails: an event that cannot be told is dropped, and nothing depends on one.
pub trait EventSink: Send + Sync {
    /// Tells an event of an object. The same event again, soon after, is not told twice.
    fn publish(&self, object: &Object, event: Event);

    /// Tells an event of no object, where people who look at a namespace see it: a backend that cannot be reached.
    fn tell(&self, namespace: &str, event: Event);
}

impl fmt::Debug for dyn EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventSink")
    }
}

/// Nobody hears of anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl EventSink for NoEvents {
    fn publish(&self, _: &Object, _: Event) {}

    fn tell(&self, _: &str, _: Event) {}
}
