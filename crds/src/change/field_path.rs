//! The place of a difference in objects.

use std::fmt;

use serde_json::Value;

use crate::status_schema::COMPUTED;

/// A step from a value to the values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The field of that name.
    Field(String),
    /// Each item of a list.
    Items,
    /// Each value of a map.
    Values,
}

/// A place in objects of one kind: from the object to a field, through lists and maps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldPath(Vec<Step>);

impl FieldPath {
    /// Makes the path of the object itself.
    pub(super) fn object() -> Self {
        Self::default()
    }

    pub(super) fn field(&self, name: &str) -> Self {
        self.then(Step::Field(name.to_owned()))
    }

    pub(super) fn items(&self) -> Self {
        self.then(Step::Items)
    }

    pub(super) fn values(&self) -> Self {
        self.then(Step::Values)
    }

    fn then(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }

    /// Returns whether it is in the object's status, which controllers write.
    pub(super) fn is_in_status(&self) -> bool {
        matches!(self.0.first(), Some(Step::Field(name)) if name == "status")
    }

    /// Returns whether it is at or below `status.properties`: values that a controller computes of what else is stored.
    pub(super) fn is_computed(&self) -> bool {
        matches!(self.0.as_slice(), [Step::Field(status), Step::Field(name), ..] if status == "status" && name == COMPUTED)
    }

    /// Returns all values that an object has there.
    pub(super) fn of<'a>(&self, object: &'a Value) -> Vec<&'a Value> {
        values(&self.0, object)
    }

    /// Returns whether the object lacks the field that the place ends with, anywhere where it could be.
    pub(super) fn is_lacking_in(&self, object: &Value) -> bool {
        let Some((Step::Field(name), parents)) = self.0.split_last() else {
            return false;
        };
        let lacks = |parent: &&Value| parent.as_object().is_some_and(|fields| !fields.contains_key(name));
        values(parents, object).iter().any(lacks)
    }
}

fn values<'a>(steps: &[Step], object: &'a Value) -> Vec<&'a Value> {
    let mut all = vec![object];
    for step in steps {
        all = all.into_iter().flat_map(|value| next(step, value)).collect();
    }
    all
}

fn next<'a>(step: &Step, value: &'a Value) -> Vec<&'a Value> {
    match (step, value) {
        (Step::Field(name), Value::Object(fields)) => fields.get(name).into_iter().collect(),
        (Step::Items, Value::Array(items)) => items.iter().collect(),
        (Step::Values, Value::Object(fields)) => fields.values().collect(),
        _ => vec![],
    }
}

/// `spec.friends[].name`; a map's values are `spec.labels[*]`.
impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the object");
        }
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if at == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Items => f.write_str("[]")?,
                Step::Values => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_place_is_in_every_item_and_value() {
        let place = FieldPath::object().field("spec").field("friends").items().field("name");
        assert_eq!(place.to_string(), "spec.friends[].name");
        let object = json!({"spec": {"friends": [{"name": "a"}, {"kind": "K"}]}});
        assert_eq!(place.of(&object), [&json!("a")]);
        assert!(place.is_lacking_in(&object), "the second has none");
        assert!(!place.is_lacking_in(&json!({"spec": {}})), "no list, nothing that lacks it");
        let place = FieldPath::object().field("labels").values();
        assert_eq!(place.to_string(), "labels[*]");
        assert_eq!(place.of(&json!({"labels": {"a": 1, "b": 2}})), [&json!(1), &json!(2)]);
        assert!(place.of(&json!({"labels": 3})).is_empty());
    }
}
