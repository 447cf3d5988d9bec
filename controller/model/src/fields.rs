//! The values of an object's fields, kept small: a controller has many objects.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Index;

use litemap::LiteMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use xos_xproto::Name;

use crate::shared::shared;

/// Field values by XOS name (`first_name`), ordered by name. Dates are RFC 3339 strings. An absent field is null.
///
/// It has the methods of a map. Objects have few fields, so a sorted list takes less memory than a tree, and no more
/// time.
#[derive(Clone, PartialEq, Default)]
pub struct Fields(LiteMap<Name, Value>);

impl Fields {
    /// Makes an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many fields have a value.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether no field has a value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Returns whether a field has a value.
    pub fn contains_key(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Sets the value of a field, and returns the one before.
    pub fn insert(&mut self, name: impl AsRef<str>, value: Value) -> Option<Value> {
        match self.0.get_mut(name.as_ref()) {
            Some(there) => Some(std::mem::replace(there, value)),
            None => self.0.insert(Name::from(shared(name.as_ref())), value),
        }
    }

    /// Takes the value of a field away, and returns it.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// Keeps the fields for which `keep` is true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Value) -> bool) {
        self.0.retain(|name, value| keep(name, value));
    }

    /// Returns all fields with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.0.iter()
    }

    /// Returns the names of all fields.
    pub fn keys(&self) -> impl Iterator<Item = &Name> {
        self.0.iter().map(|(name, _)| name)
    }

    /// Gives back memory that is kept for more fields.
    pub fn shrink(&mut self) {
        let mut all = std::mem::take(&mut self.0).into_tuple_vec();
        all.shrink_to_fit();
        self.0 = LiteMap::from_sorted_store_unchecked(all);
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Index<&str> for Fields {
    type Output = Value;

    /// Returns the value of a field; null if it has none.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&Value::Null)
    }
}

impl<N: AsRef<str>> FromIterator<(N, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(all: I) -> Self {
        let mut fields = Self::new();
        fields.extend(all);
        fields
    }
}

impl<N: AsRef<str>> Extend<(N, Value)> for Fields {
    fn extend<I: IntoIterator<Item = (N, Value)>>(&mut self, more: I) {
        for (name, value) in more {
            self.insert(name, value);
        }
    }
}

impl<const M: usize> From<[(&str, Value); M]> for Fields {
    fn from(all: [(&str, Value); M]) -> Self {
        all.into_iter().collect()
    }
}

impl IntoIterator for Fields {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_tuple_vec().into_iter()
    }
}

impl<'a> IntoIterator for &'a Fields {
    type Item = (&'a Name, &'a Value);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter().collect::<Vec<_>>().into_iter()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(name, value)| (&**name, value)))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::<String, Value>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_a_map_ordered_by_name() {
        let mut fields = Fields::from([("b", json!(2)), ("a", json!(1)), ("b", json!(3))]);
        assert_eq!(fields.keys().map(ToString::to_string).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((fields.len(), &fields["b"], &fields["absent"]), (2, &json!(3), &Value::Null));
        assert_eq!(fields.insert("a", json!(4)), Some(json!(1)));
        assert_eq!(fields.remove("b"), Some(json!(3)));
        assert_eq!(fields.remove("b"), None);
        assert_eq!(serde_json::to_value(&fields).unwrap(), json!({"a": 4}));
        fields.extend([("c", json!(5))]);
        fields.shrink();
        fields.retain(|name, _| name == "c");
        assert_eq!(fields, serde_json::from_value(json!({"c": 5})).unwrap());
        assert!(fields.contains_key("c") && !fields.is_empty());
    }

    #[test]
    fn names_are_shared() {
        let [one, two] = [1, 2].map(|n| Fields::from([("a_field", json!(n))]));
        let text = |fields: &Fields| fields.keys().next().map(|name| name.as_ptr());
        assert_eq!(text(&one), text(&two));
    }
}
