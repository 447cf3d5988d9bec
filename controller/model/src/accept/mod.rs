//! What the API server cannot check, because it depends on other objects: uniqueness, kinds of links, validators that
//! follow links or use quantifiers.
//!
//! An object that is refused is not handled; its condition `Accepted` says why.

mod judge;
mod links;
mod owner;
mod unique;

use std::collections::BTreeSet;
use std::sync::Arc;

use xos_xproto::{Model, ModelSet};

use crate::condition::{self, ACCEPTED, ConditionStatus};
use crate::index::Index;
use crate::object::{Object, ObjectKey};
use crate::query::Query;
use crate::reference::Reference;
use judge::Judge;
use unique::Keys;

pub use unique::{Hold, is_tried_as_it_is};

/// The reason of `Accepted` of an object whose key another one has.
pub const NOT_UNIQUE: &str = "NotUnique";

/// Why an object is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason of the condition `Accepted`: `NotUnique`, `NoOwner`, `AmbiguousOwner`, `WrongOwner`,
    /// `NoSuchKind`, `AmbiguousLink` or `Invalid`.
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
    has_owner: bool,
    has_links_to_bases: bool,
    validators: bool,
}

impl Checks {
    /// Makes the checks of a model.
    pub fn of(models: &ModelSet, model: &Model) -> Self {
        Self {
            keys: Keys::of(model),
            has_owner: model.filled_owner().is_some(),
            has_links_to_bases: links::lead_to_bases(models, model),
            validators: model.validators.iter().any(|validator| judge::speaks_of_others(models, model, validator)),
        }
    }

    /// Returns whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && !self.has_owner && !self.has_links_to_bases && !self.validators
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

    /// Returns whether objects of the model may have to give way to others of the same key.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Returns the queries that find the objects with a key of an object, itself included.
    pub fn queries(&self, model: &Model, object: &Object) -> Vec<Query> {
        self.keys.queries(model, object)
    }

    /// Returns the other objects that have a key of the object.
    pub fn rivals(&self, index: &Index, model: &Model, object: &Object) -> Vec<ObjectKey> {
        self.keys.rivals(index, model, object).into_iter().map(|(_, other)| other.key()).collect()
    }

    /// Returns whether an object has a key of another one, each given with its model.
    pub fn have_common_key(&self, object: (&Model, &Object), other: (&Model, &Object)) -> bool {
        self.keys.are_shared(object, other)
    }

    /// Returns how the object stands among those with a key of it. `has_begun` says of an object whether a step was
    /// started for it as it is, though status does not say so yet.
    pub fn rivalry(
        &self,
        index: &Index,
        model: &Model,
        object: &Object,
        has_begun: &dyn Fn(&Object) -> bool,
    ) -> Rivalry {
        self.keys.rivalry(index, model, object, has_begun)
    }

    /// Returns the owner that the controller sets on an object that has none, with the name of the link.
    pub fn owner_to_set(&self, index: &Index, model: &Model, object: &Object) -> Option<(String, Reference)> {
        self.has_owner.then(|| owner::to_set(index, model, object)).flatten()
    }

    /// Returns whether the controller sets the owner of the model's objects where they have none.
    pub fn sets_owner(&self) -> bool {
        self.has_owner
    }

    /// Checks all but the keys of an object, and returns why it is refused, if it is.
    pub fn refusal(&self, index: &Index, model: &Model, object: &Object) -> Option<Refusal> {
        let by_owner = self.has_owner.then(|| owner::refusal(index, model, object)).flatten();
        let by_links = || self.has_links_to_bases.then(|| links::refusal(index, model, object)).flatten();
        let by_validators = || self.validators.then(|| Judge::new(index, object).refusal(model)).flatten();
        by_owner.or_else(by_links).or_else(by_validators)
    }
}

/// Returns the first validator of its model that an object does not pass, be it about the object alone, which the API
/// server checks otherwise, or about others.
pub fn invalid(index: &Index, model: &Model, object: &Object) -> Option<Refusal> {
    Judge::new(index, object).refusal(model)
}

/// How an object stands among those that have a key of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rivalry {
    /// Another one goes first: why the object is refused, and the other one.
    pub lost: Option<(Refusal, Arc<Object>)>,
    /// The object goes first: the others, which are refused.
    pub losers: Vec<Arc<Object>>,
}

/// Returns whether the status of an object says that another one has its key.
pub fn is_lost(object: &Object) -> bool {
    let accepted = condition::find(&object.status.conditions, ACCEPTED);
    accepted.is_some_and(|accepted| accepted.status == ConditionStatus::False && accepted.reason == NOT_UNIQUE)
}

#[cfg(test)]
mod tests;
