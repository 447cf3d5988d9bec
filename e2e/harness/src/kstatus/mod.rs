//! A linter of conditions: the rules of kstatus, of Kubernetes' API conventions, and our own. It looks at every state of
//! the objects of a test, so that no new one escapes it.
//!
//! - [`rules`] are pure functions of an object, and of two states of it that follow each other;
//! - [`Findings`] collects what they find, and [`Follower`] shows them every state that an API server ever had.

mod follow;
pub mod rules;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

pub use follow::Follower;

/// What is wrong, each with the first object that shows it.
#[derive(Clone, Debug, Default)]
pub struct Findings(Arc<Mutex<BTreeMap<String, String>>>);

impl Findings {
    /// Looks at an object.
    pub fn look(&self, object: &Value) {
        for finding in rules::of(object) {
            self.note(finding, object);
        }
    }

    /// Looks at a state of an object, and at what has changed since the one before.
    pub fn look_at_change(&self, before: &Value, object: &Value) {
        self.look(object);
        for finding in rules::of_change(before, object) {
            self.note(finding, object);
        }
    }

    fn note(&self, finding: String, object: &Value) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = || format!("{:#}", serde_json::json!({"metadata": shortened(object), "status": object["status"]}));
        all.entry(finding).or_insert_with(shown);
    }

    /// Returns what was found, as text; nothing if nothing was.
    #[must_use]
    pub fn report(&self) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<_> = all.iter().map(|(finding, object)| format!("{finding}, as in {object}")).collect();
        (!lines.is_empty()).then(|| format!("conditions that break a rule of kstatus:\n{}", lines.join("\n")))
    }
}

fn shortened(object: &Value) -> Value {
    let mut metadata = object["metadata"].clone();
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.remove("managedFields");
    }
    metadata
}
