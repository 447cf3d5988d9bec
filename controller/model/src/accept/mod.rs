//! What the API server cannot check, because it depends on other objects: uniqueness, kinds of links, validators that
//! follow links or use quantifiers.
//!
//! An object that is refused is not handled; its condition `Accepted` says why.

mod judge;
mod links;
mod unique;

use std::collections::BTreeSet;

use xos_xproto::{Model, ModelSet};

use crate::index::Index;
use crate::intent::{Pass, is_handled};
use crate::object::{Object, ObjectKey};
use judge::Judge;
use unique::Keys;

/// Why an object is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason of the condition `Accepted`: `NotUnique`, `NoSuchKind`, `AmbiguousLink` or `Invalid`.
    pub reason: &'static str,
    /// The message for people.
    pub message: String,
    /// The objects that this depends on: when one of them changes, the object is checked again.
    pub because_of: BTreeSet<ObjectKey>,
    /// The classes that this depends on: when any of their objects changes or is created, the object is checked again.
    pub because_of_classes: BTreeSet<String>,
}

/// The checks of a model's objects.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    keys: Keys,
    has_links_to_bases: bool,
    validators: bool,
}

impl Checks {
    /// Makes the checks of a model.
    pub fn of(models: &ModelSet, model: &Model) -> Self {
        Self {
            keys: Keys::of(model),
            has_links_to_bases: links::lead_to_bases(models, model),
            validators: model.validators.iter().any(|validator| judge::speaks_of_others(models, model, validator)),
        }
    }

    /// Returns whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.has_links_to_bases && !self.validators
    }

    /// Makes the indexes that the check of an object needs.
    pub fn prepare(&self, index: &mut Index, model: &Model, object: &Object) {
        for query in self.keys.queries(model, object) {
            index.prepare(&query);
        }
    }

    /// Returns whether all indexes that the check of an object needs have been made.
    pub fn is_ready(&self, index: &Index, model: &Model, object: &Object) -> bool {
        self.keys.queries(model, object).iter().all(|query| index.is_ready(query))
    }

    /// Checks an object, and returns why it is refused, if it is.
    pub fn refusal(&self, index: &Index, model: &Model, object: &Object) -> Option<Refusal> {
        let by_links = || self.has_links_to_bases.then(|| links::refusal(index, model, object)).flatten();
        let by_validators = || self.validators.then(|| Judge::new(index, object).refusal(model)).flatten();
        self.keys.refusal(index, model, object).or_else(by_links).or_else(by_validators)
    }
}

/// Returns whether a synchronizer has already acted on the object as it is now.
fn is_settled(object: &Object) -> bool {
    let passes =
        || object.status.synchronizers.iter().flat_map(|own| [(&own.sync, Pass::Sync), (&own.policy, Pass::Policy)]);
    let is_present = |then| move |pass| is_handled(then, &object.intent, &object.quiet_saves, pass);
    passes().any(|(state, pass)| state.attempted.as_ref().is_some_and(|then| is_present(then)(pass)))
}

#[cfg(test)]
mod tests;
