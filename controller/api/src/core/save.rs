//! Creates and updates objects. The rules are XOS 4.0.4's, but where that is at fault.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use xos_crds::SpecSchema;
use xos_grpc::{Field, Message};
use xos_model::accept::Checks;
use xos_model::natural::{natural_key, object_name};
use xos_model::policy::Aim;
use xos_model::{Fields, Object};
use xos_steps::{Save, StoreError};
use xos_xproto::{FieldState, Member, Model, ModelSet, Section, camel_case};

use super::Core;
use super::edit::Edit;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::root;

impl Core {
    /// Makes an object of what a message says, and returns its message. Feedback of anybody but a synchronizer, and
    /// bookkeeping, is passed over.
    ///
    /// # Errors
    /// When the caller may not make it, it would be invalid, its key is taken, or it cannot be stored.
    pub async fn create(&self, caller: &Caller, model: &str, bytes: &[u8]) -> Result<Vec<u8>, ApiError> {
        let served = self.served();
        let (model, message) = served.get(model)?;
        if model.is_abstract {
            return Err(ApiError::NoModel(model.name.clone()));
        }
        let models = &served.models;
        let edit = Edit::read(self, models, (model, message), bytes)?;
        let mut object = Object::named(&model.name, &self.options.namespace, "");
        for given in &edit.given {
            if given.state == FieldState::Feedback && !caller.is_synchronizer {
                tracing::debug!(user = caller.user, field = given.name, "only a synchronizer sets feedback");
            } else if given.is_writable(false) {
                object.set(&given.name, given.value.clone());
            }
        }
        self.own_rights(caller, &model.name, &object.fields)?;
        self.permit(caller, Aim::Write, &Arc::new(object.clone()))?;
        valid(models, model, message, &object.fields)?;
        self.is_free(model, &object)?;
        let id = self.sequences.next(models, root(models, model), &self.ids).await?;
        object.status.id = Some(id);
        let made = self.make(caller, model, object, id).await?;
        Ok(self.replies(&served, model, message).one(&made))
    }

    /// Stores a new object: by the name that follows from its key, or else one with its id.
    async fn make(&self, caller: &Caller, model: &Model, object: Object, id: i32) -> Result<Arc<Object>, ApiError> {
        let key: Vec<_> = natural_key(model).into_iter().filter_map(|name| object.fields.get(name).cloned()).collect();
        let kind = model.name.to_lowercase();
        let with_id = object_name(&[json!(format!("{kind}-{id}"))]);
        let by_key = (!key.is_empty()).then(|| object_name(&key));
        for name in by_key.into_iter().chain([with_id]) {
            let mut object = object.clone();
            object.meta.name = name;
            match self.store.create(&caller.saver(), object).await {
                // Another object, whose key is another one, or not a key.
                Err(StoreError::AlreadyExists(_)) => {}
                made => return Ok(made?),
            }
        }
        Err(ApiError::Duplicate(format!("there is a {} with this key", model.name)))
    }

    /// Saves what a message says of an object, and returns its message as it is then.
    ///
    /// # Errors
    /// When there is no such object, the caller may not change it or a field of it, it would be invalid, its key is taken,
    /// or it cannot be stored.
    pub async fn update(&self, caller: &Caller, model: &str, bytes: &[u8]) -> Result<Vec<u8>, ApiError> {
        let served = self.served();
        let (class, message) = served.get(model)?;
        let models = &served.models;
        let mut edit = Edit::read(self, models, (class, message), bytes)?;
        let base = self.object(models, class, edit.id)?;
        self.permit(caller, Aim::Write, &base)?;
        let model = models.get(&base.model).unwrap_or(class);
        if let Some(names) = &caller.update_fields {
            edit.empty(class, message, names)?;
        }
        edit.keep_unseen(self, models, &base, caller.update_fields.as_deref());
        let changed = changed(caller, &edit, &base)?;
        let mut fields = base.fields.clone();
        for (name, value) in &changed {
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), value.clone());
            }
        }
        self.own_rights(caller, &model.name, &changed)?;
        let after = Arc::new(Object { fields, ..(*base).clone() });
        // Also as it will be: nobody takes an object into a place of which he has no rights.
        self.permit(caller, Aim::Write, &after)?;
        valid(models, model, message, &after.fields)?;
        self.is_free(model, &after)?;
        let in_spec = |name: &str| model.member(name).is_some_and(|member| member.section() == Section::Spec);
        let touch = match caller.is_synchronizer {
            true => caller.always_update_timestamp,
            // What an operator saves is to be done, also if nothing differs.
            false => !changed.keys().any(|name| in_spec(name)),
        };
        let how = Save { touch, ..Save::quietly() };
        let saved = self.store.save(&caller.saver(), base, changed, &how).await?;
        Ok(self.replies(&served, class, message).one(&saved))
    }

    /// Refuses an object whose key another one has.
    fn is_free(&self, model: &Model, object: &Object) -> Result<(), ApiError> {
        let served = self.served();
        for query in Checks::of(&served.models, model).queries(model, object) {
            let there = self.store.query(&query)?;
            let Some(other) = there.iter().find(|other| other.meta.uid != object.meta.uid) else { continue };
            let names: Vec<_> = query.criteria.iter().map(xos_model::Criterion::field).collect();
            let id = other.status.id.unwrap_or_default();
            return Err(ApiError::Duplicate(format!("{} {id} has this {} already", other.model, names.join(", "))));
        }
        Ok(())
    }

    /// Returns a link to the object with an id.
    pub(super) fn reference(&self, models: &ModelSet, field: &Field, peer: &str, id: i64) -> Result<Json, ApiError> {
        let wrong = |why: &str| ApiError::field(&field.name, format!("{why} {peer} with the id {id}"));
        let found = i32::try_from(id).ok().and_then(|id| self.ids.get(models, peer, id));
        let Some(object) = found.map(|key| self.find(&key)).transpose()?.flatten() else {
            return Err(wrong("there is no"));
        };
        if object.meta.deleting.is_some() {
            return Err(wrong("a link cannot lead to what is being deleted:"));
        }
        let mut link = Map::from_iter([("name".to_owned(), json!(object.meta.name))]);
        if object.meta.namespace != self.options.namespace {
            link.insert("namespace".to_owned(), json!(object.meta.namespace));
        }
        if *object.model != *peer {
            link.insert("kind".to_owned(), json!(&*object.model));
        }
        Ok(Json::Object(link))
    }
}

/// Returns what an update changes. A caller that is no synchronizer may not say anything of feedback but what is there.
fn changed(caller: &Caller, edit: &Edit, base: &Object) -> Result<Fields, ApiError> {
    let all: Vec<_> = edit.changes(base).filter(|given| given.is_writable(caller.is_synchronizer)).collect();
    let feedback: Vec<_> =
        all.iter().filter(|given| given.state == FieldState::Feedback).map(|given| &given.name).collect();
    if !caller.is_synchronizer && !feedback.is_empty() {
        let names: Vec<_> = feedback.iter().map(|name| format!("'{name}'")).collect();
        let why = "A non Synchronizer is trying to update fields marked as feedback_state";
        return Err(ApiError::Denied(format!("{why}: [{}]", names.join(", "))));
    }
    let is_asked = |given: &&&super::edit::Given| {
        caller
            .update_fields
            .as_ref()
            .is_none_or(|names| names.iter().any(|name| [&given.name, &given.field].contains(&name)))
    };
    Ok(all.iter().filter(is_asked).map(|given| (given.name.as_str(), given.value.clone())).collect())
}

/// Checks an object against the definition of its model.
fn valid(models: &ModelSet, model: &Model, message: &Message, fields: &Fields) -> Result<(), ApiError> {
    let wrong = SpecSchema::of(models, model).violations(model, fields);
    if wrong.is_empty() {
        return Ok(());
    }
    let name_of = |member: &Member| {
        let field = message.fields.iter().find(|field| super::edit::member_name(field) == member.name());
        field.map_or(member.name(), |field| field.name.as_str()).to_owned()
    };
    let mut by_field = BTreeMap::new();
    for one in &wrong {
        let (place, why) = one.split_once(": ").unwrap_or((one, one));
        let leaf = place.strip_prefix("spec.").unwrap_or(place).split(['.', '[']).next().unwrap_or_default();
        let member = model.members().find(|member| camel_case(member.name()) == leaf);
        by_field.insert(member.map_or_else(|| leaf.to_owned(), name_of), why.to_owned());
    }
    Err(ApiError::Invalid { what: wrong.join("; "), fields: by_field })
}
