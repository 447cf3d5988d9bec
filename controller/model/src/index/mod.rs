//! All known objects: by key, by model, by field, by link.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;
use xos_xproto::{Model, ModelSet};

use crate::graph::{ExtraDependency, Graph, GraphError, Standing};
use crate::kinds::Kinds;
use crate::object::{Object, ObjectKey};
use crate::query::{Query, QueryError, queried};
use crate::reference::Reference;
use crate::typed::constant;

/// All known objects. A query for equality uses an index of the field, which is made when it is first needed,
/// and kept from then on.
#[derive(Clone, Debug)]
pub struct Index {
    models: Arc<ModelSet>,
    kinds: Kinds,
    objects: BTreeMap<ObjectKey, Arc<Object>>,
    graph: Graph,
    fields: HashMap<Arc<str>, HashMap<String, Entries>>,
}

/// The objects of a model by a field's value, in a form that is the same for equal values.
type Entries = HashMap<String, BTreeSet<ObjectKey>>;

impl Index {
    /// Makes an empty one for these models, with these dependencies beside the links.
    ///
    /// # Errors
    /// When a dependency names a model or port that is not there.
    pub fn new(models: Arc<ModelSet>, extra: &[ExtraDependency]) -> Result<Self, GraphError> {
        let graph = Graph::new(&models, extra)?;
        let kinds = Kinds::of(&models);
        Ok(Self { models, kinds, objects: BTreeMap::new(), graph, fields: HashMap::new() })
    }

    /// Takes other models, and other dependencies beside the links. Objects stay; `redefined` are the models that are
    /// declared in another way than before. Objects of models that are not there any more must be gone.
    ///
    /// # Errors
    /// When a dependency names a model or port that is not there. Then nothing has changed.
    pub fn change(
        &mut self,
        models: Arc<ModelSet>,
        extra: &[ExtraDependency],
        redefined: &BTreeSet<String>,
    ) -> Result<(), GraphError> {
        for (key, standing) in self.graph.change(&models, extra)? {
            if let Some(object) = self.objects.get(&key) {
                self.graph.insert_as(&key, object, standing);
            }
        }
        self.kinds = Kinds::of(&models);
        self.fields.retain(|model, _| !redefined.contains(&**model) && models.get(model).is_some());
        self.models = models;
        Ok(())
    }

    /// Returns the models.
    pub fn models(&self) -> &Arc<ModelSet> {
        &self.models
    }

    /// Returns the links.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Adds an object, or its changed version. Returns whether its links changed.
    pub fn insert(&mut self, object: &Arc<Object>, standing: Standing) -> bool {
        self.insert_as(&object.key(), object, standing)
    }

    /// Does the same with the object's key, of which clones are kept: they share their texts.
    pub fn insert_as(&mut self, key: &ObjectKey, object: &Arc<Object>, standing: Standing) -> bool {
        let is_relinked = self.graph.insert_as(key, object, standing);
        let old = self.objects.insert(key.clone(), Arc::clone(object));
        let models = &self.models;
        let fields = &mut self.fields;
        let Some(model) = models.get(&object.model) else { return is_relinked };
        for (field, entries) in fields.get_mut(&object.model).into_iter().flatten() {
            let new = forms(model, object, field);
            if let Some(old) = &old {
                let before = forms(model, old, field);
                if before == new {
                    continue;
                }
                take_out(entries, &before, key);
            }
            for form in new {
                entries.entry(form).or_default().insert(key.clone());
            }
        }
        is_relinked
    }

    /// Removes an object that is gone.
    pub fn remove(&mut self, key: &ObjectKey) {
        self.graph.remove(key);
        let Some(old) = self.objects.remove(key) else { return };
        let Some(model) = self.models.get(&old.model) else { return };
        for (field, entries) in self.fields.get_mut(&old.model).into_iter().flatten() {
            take_out(entries, &forms(model, &old, field), key);
        }
    }

    /// Returns the object.
    pub fn get(&self, key: &ObjectKey) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// Returns the objects of a class with this name; more than one only if several kinds share the name.
    pub fn named(&self, class: &str, namespace: &str, name: &str) -> Vec<&Arc<Object>> {
        let kinds = self.kinds.of_class(class);
        kinds.filter_map(|kind| self.objects.get(&ObjectKey::new(&kind.model, namespace, name))).collect()
    }

    /// Returns the objects that a link leads to: none yet, one, or several of the same name.
    pub fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Vec<&Arc<Object>> {
        let namespace = reference.namespace.as_deref().unwrap_or(namespace);
        let is_meant = |object: &&Arc<Object>| reference.kind.as_deref().is_none_or(|kind| *kind == *object.model);
        self.named(class, namespace, &reference.name).into_iter().filter(is_meant).collect()
    }

    /// Returns the objects whose links lead to the object by its reverse port of that name.
    pub fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<&Arc<Object>> {
        self.graph.linked_back(key, port).iter().filter_map(|source| self.objects.get(source)).collect()
    }

    /// Returns whether the indexes that answer a query exist; if not, [`prepare`](Self::prepare) makes them.
    pub fn is_ready(&self, query: &Query) -> bool {
        self.missing(query).is_empty()
    }

    /// Makes the indexes that answer a query.
    pub fn prepare(&mut self, query: &Query) {
        for (model, field) in self.missing(query) {
            let Some(definition) = self.models.get(&model) else { continue };
            let mut entries = Entries::new();
            for (key, object) in self.of_model(&model, None) {
                for form in forms(definition, object, &field) {
                    entries.entry(form).or_default().insert(key.clone());
                }
            }
            self.fields.entry(model).or_default().insert(field, entries);
        }
    }

    fn missing(&self, query: &Query) -> Vec<(Arc<str>, String)> {
        let fields = || query.criteria.iter().filter(|one| one.equals().is_some()).map(|one| one.field().to_owned());
        let has = |model: &str, field: &str| self.fields.get(model).is_some_and(|of| of.contains_key(field));
        let models = self.kinds.of_class(&query.class).map(|kind| &kind.model);
        let pairs = models.flat_map(|model| fields().map(|field| (Arc::clone(model), field)));
        pairs.filter(|(model, field)| !has(model, field)).collect()
    }

    /// Returns the objects that a query asks for, ordered by model, namespace, name.
    ///
    /// # Errors
    /// When there is no such class, or it has no such field.
    pub fn query(&self, query: &Query) -> Result<Vec<Arc<Object>>, QueryError> {
        self.check(query)?;
        let mut found = vec![];
        for kind in self.kinds.of_class(&query.class) {
            let Some(model) = self.models.get(&kind.model) else { continue };
            match self.candidates(&kind.model, query) {
                Some(keys) => {
                    let objects = keys.into_iter().flatten().filter_map(|key| self.objects.get(key));
                    found.extend(objects.filter(|object| is_meant(model, object, query)).cloned());
                }
                None => {
                    let all = self.of_model(&kind.model, query.namespace.as_deref());
                    found.extend(all.map(|(_, object)| object).filter(|o| is_meant(model, o, query)).cloned());
                }
            }
        }
        Ok(found)
    }

    fn check(&self, query: &Query) -> Result<(), QueryError> {
        let model = queried(&self.models, &query.class)?;
        let has = |field: &str| model.member(field).is_some() || model.property(field).is_some();
        match query.criteria.iter().find(|one| !has(one.field())) {
            Some(one) => Err(QueryError::UnknownField { model: query.class.clone(), field: one.field().to_owned() }),
            None => Ok(()),
        }
    }

    /// Returns the shortest list of objects from an index: `Some(None)` if it is empty, `None` if no index answers.
    /// Lists are not copied, since a value that all objects have makes a long one.
    fn candidates(&self, model: &str, query: &Query) -> Option<Option<&BTreeSet<ObjectKey>>> {
        let indexed = self.fields.get(model)?;
        let lists = query.criteria.iter().filter_map(|one| {
            let entries = indexed.get(one.field())?;
            Some(entries.get(&form(one.equals()?)))
        });
        lists.min_by_key(|list| list.map_or(0, BTreeSet::len))
    }

    fn of_model(&self, model: &Arc<str>, namespace: Option<&str>) -> impl Iterator<Item = (&ObjectKey, &Arc<Object>)> {
        let first = ObjectKey { model: Arc::clone(model), namespace: namespace.unwrap_or("").into(), name: "".into() };
        let model = Arc::clone(model);
        let namespace = namespace.map(str::to_owned);
        let from = self.objects.range((Bound::Included(first), Bound::Unbounded));
        from.take_while(move |(key, _)| {
            key.model == model && namespace.as_deref().is_none_or(|ns| *ns == *key.namespace)
        })
    }
}

fn take_out(entries: &mut Entries, forms: &[String], key: &ObjectKey) {
    for form in forms {
        if let Some(keys) = entries.get_mut(form) {
            keys.remove(key);
            if keys.is_empty() {
                entries.remove(form);
            }
        }
    }
}

/// Returns the value of a field or link as a query sees it: its default, if it has no value. That of a property is the
/// one in status.
pub fn value(model: &Model, object: &Object, field: &str) -> Value {
    if let Some(property) = model.property(field) {
        return object.status.properties.get(&property.camel_name()).cloned().unwrap_or_default();
    }
    let default = || model.field(field).and_then(|field| field.default.as_ref()).and_then(constant);
    object.fields.get(field).cloned().or_else(default).unwrap_or_default()
}

fn is_meant(model: &Model, object: &Object, query: &Query) -> bool {
    let here = query.namespace.as_deref().is_none_or(|namespace| namespace == object.meta.namespace);
    let meets = || {
        let namespace = &object.meta.namespace;
        query.criteria.iter().all(|one| one.accepts(&value(model, object, one.field()), namespace))
    };
    here && (query.with_deleted || object.meta.deleting.is_none()) && meets()
}

/// Returns the keys of an object in the index of a field: one, or one for each peer of a link to many.
fn forms(model: &Model, object: &Object, field: &str) -> Vec<String> {
    match value(model, object, field) {
        Value::Array(all) => all.iter().map(form).collect(),
        one => vec![form(&one)],
    }
}

/// Returns a text that is the same for values that may be equal: numbers in any form, times in any zone, a link and the
/// name it leads to.
pub fn form(value: &Value) -> String {
    match value {
        Value::Object(link) => link.get("name").map_or_else(|| value.to_string(), form),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (None, Some(float)) => float.to_string(),
            _ => number.to_string(),
        },
        Value::String(text) => match text.parse::<jiff::Timestamp>() {
            Ok(moment) => moment.to_string(),
            Err(_) => text.clone(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
