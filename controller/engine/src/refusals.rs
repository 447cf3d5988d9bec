//! Who is not accepted, and what has to change before they are looked at again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use xos_model::ObjectKey;
use xos_model::accept::Refusal;

/// The objects that are not accepted. Every operation costs what the objects that it touches cost.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    reasons: HashMap<ObjectKey, Vec<Reason>>,
    refused: HashMap<Reason, BTreeSet<ObjectKey>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Reason {
    Object(ObjectKey),
    /// Any object of a class in a namespace.
    Class(String, Arc<str>),
}

impl Refusals {
    /// Notes whether an object is accepted.
    pub(crate) fn note(&mut self, key: &ObjectKey, refusal: Option<&Refusal>) {
        self.forget(key);
        let Some(refusal) = refusal else { return };
        let objects = refusal.because_of.iter().cloned().map(Reason::Object);
        let class = |class: &String| Reason::Class(class.clone(), Arc::clone(&key.namespace));
        let reasons: Vec<_> = objects.chain(refusal.because_of_classes.iter().map(class)).collect();
        for reason in &reasons {
            self.refused.entry(reason.clone()).or_default().insert(key.clone());
        }
        self.reasons.insert(key.clone(), reasons);
    }

    /// An object is gone, or is to be judged anew.
    pub(crate) fn forget(&mut self, key: &ObjectKey) {
        for reason in self.reasons.remove(key).into_iter().flatten() {
            if let Some(keys) = self.refused.get_mut(&reason) {
                keys.remove(key);
                if keys.is_empty() {
                    self.refused.remove(&reason);
                }
            }
        }
    }

    /// An object of these classes changed, came or went: those for whom that may decide it.
    pub(crate) fn touched_by<'a>(&self, key: &ObjectKey, classes: impl Iterator<Item = &'a String>) -> Vec<ObjectKey> {
        if self.reasons.is_empty() {
            return vec![];
        }
        let classes = classes.map(|class| Reason::Class(class.clone(), Arc::clone(&key.namespace)));
        let reasons = classes.chain([Reason::Object(key.clone())]);
        let all = reasons.filter_map(|reason| self.refused.get(&reason)).flatten();
        all.filter(|refused| *refused != key).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("M", "n", name)
    }

    #[test]
    fn they_are_woken_by_what_they_are_refused_for() {
        let mut refusals = Refusals::default();
        let refusal = Refusal {
            reason: "NotUnique",
            message: String::new(),
            because_of: [key("a")].into(),
            because_of_classes: ["Base".to_owned()].into(),
        };
        refusals.note(&key("b"), Some(&refusal));
        let classes = ["M".to_owned(), "Base".to_owned()];
        assert_eq!(refusals.touched_by(&key("a"), [].into_iter()), [key("b")]);
        assert_eq!(refusals.touched_by(&key("new"), classes.iter()), [key("b")]);
        assert_eq!(refusals.touched_by(&key("b"), classes.iter()), [], "not by themselves");
        refusals.note(&key("b"), None);
        assert_eq!(refusals.touched_by(&key("a"), classes.iter()), []);
        assert!(refusals.refused.is_empty() && refusals.reasons.is_empty());
    }
}
