//! The values of an object's properties, in its status.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::conditions::whole_seconds;
use crate::condition::{self, COMPUTED, ConditionStatus, News};
use crate::object::Object;

const PROPERTY_FAILED: &str = "PropertyFailed";

/// What the properties of an object come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Computed {
    /// The values, by name as custom resources have it.
    pub values: Map<String, Value>,
    /// Those that cannot be computed, with the reasons, for people; empty if there is none.
    pub faults: String,
}

/// Returns whether a synchronizer writes the properties of an object: one does, so that two that know a model in two
/// versions do not write by turns. `is_there` tells of another one whether it is still installed.
pub fn writes_properties(object: &Object, synchronizer: &str, is_there: impl Fn(&str) -> bool) -> bool {
    let of = object.status.properties_of.as_deref();
    of.is_none_or(|of| of == synchronizer || !is_there(of))
}

/// Sets what the properties of an object come to; none if its model has no properties.
pub fn set_properties(object: &mut Object, computed: Option<&Computed>, synchronizer: &str, now: Timestamp) {
    let status = &mut object.status;
    let computed = computed.filter(|computed| !computed.values.is_empty() || !computed.faults.is_empty());
    let Some(Computed { values, faults }) = computed else {
        status.properties.clear();
        status.properties_of = None;
        condition::clear(&mut status.conditions, COMPUTED);
        return;
    };
    if status.properties != *values {
        status.properties.clone_from(values);
    }
    if status.properties_of.as_deref() != Some(synchronizer) {
        status.properties_of = Some(synchronizer.to_owned());
    }
    if faults.is_empty() {
        condition::clear(&mut status.conditions, COMPUTED);
        return;
    }
    let is_told =
        condition::find(&status.conditions, COMPUTED).is_some_and(|told| told.message == crate::message::cut(faults));
    if !is_told {
        let news = News { kind: COMPUTED, status: ConditionStatus::False, reason: PROPERTY_FAILED, message: faults };
        condition::set(&mut status.conditions, &news, object.meta.generation, whole_seconds(now));
    }
}

/// Lets a status say of which generation it speaks: of that of its newest condition, at least.
pub fn observe(object: &mut Object) {
    let spoken_of = object.status.conditions.iter().filter_map(|one| one.observed_generation).max();
    object.status.observed_generation = object.status.observed_generation.max(spoken_of);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn computed(values: &Value, faults: &str) -> Computed {
        Computed { values: values.as_object().cloned().unwrap_or_default(), faults: faults.to_owned() }
    }

    #[test]
    fn a_status_with_conditions_says_of_which_generation_it_speaks() {
        let mut object = Object::named("M", "n", "a");
        observe(&mut object);
        assert_eq!(object.status.observed_generation, None);
        object.meta.generation = 3;
        set_properties(&mut object, Some(&computed(&json!({}), "no value")), "me", Timestamp::UNIX_EPOCH);
        observe(&mut object);
        assert_eq!(object.status.observed_generation, Some(3));
    }

    #[test]
    fn what_is_the_same_changes_nothing() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut object = Object::named("M", "n", "a");
        let first = computed(&json!({"fullName": "A"}), "other: no value");
        set_properties(&mut object, Some(&first), "s", at(1));
        let before = object.clone();
        object.meta.generation = 2;
        set_properties(&mut object, Some(&first), "s", at(9));
        assert_eq!(before.status, object.status);
        set_properties(&mut object, Some(&computed(&json!({"fullName": "A"}), "")), "s", at(9));
        assert!(condition::find(&object.status.conditions, COMPUTED).is_none());
        set_properties(&mut object, None, "s", at(9));
        assert_eq!(object.status, Object::named("M", "n", "a").status);
    }

    #[test]
    fn one_synchronizer_writes_them() {
        let mut object = Object::named("M", "n", "a");
        let both =
            |object: &Object, is_there: bool| ["one", "two"].map(|who| writes_properties(object, who, |_| is_there));
        assert_eq!(both(&object, true), [true, true]);
        set_properties(&mut object, Some(&computed(&json!({"a": 1}), "")), "one", Timestamp::UNIX_EPOCH);
        assert_eq!(both(&object, true), [true, false]);
        assert_eq!(both(&object, false), [true, true]);
    }
}
