//! What operators do: apply, edit, replace and delete.

use std::sync::Arc;

use xos_model::save::difference;
use xos_model::{Fields, Object, ObjectKey};
use xos_xproto::Model;

use super::{By, MemoryApi, ORPHAN, State, own};
use crate::writer::in_status;

impl MemoryApi {
    /// Creates an object as an operator does, or sets the fields of spec of one that is there (as `kubectl apply`).
    /// Returns it as it is then; nothing if there is no such model.
    pub fn apply(&self, object: &Object) -> Option<Object> {
        let entry = Arc::clone(self.registry.now().get(&object.model)?);
        let mut state = self.state();
        let Some(there) = state.objects.get(&object.key()).cloned() else {
            return Some(self.insert(&mut state, &entry, object, By::Operator));
        };
        let mut new = there.clone();
        let set = object.fields.iter().filter(|(name, _)| !in_status(&entry.model, name));
        new.fields.extend(set.map(|(name, value)| (name, value.clone())));
        Some(self.store_edited(&mut state, &entry.model, &there, new))
    }

    /// Edits an object's spec and touch as an operator does; what is changed elsewhere has no effect. Returns nothing
    /// if there is no such object.
    pub fn edit(&self, key: &ObjectKey, edit: impl FnOnce(&mut Object)) -> Option<Object> {
        let entry = Arc::clone(self.registry.now().get(&key.model)?);
        let mut state = self.state();
        let there = state.objects.get(key).cloned()?;
        let mut edited = there.clone();
        edit(&mut edited);
        let status = |fields: &Fields, wanted: bool| -> Fields {
            let pick = fields.iter().filter(|(name, _)| in_status(&entry.model, name) == wanted);
            pick.map(|(name, value)| (name, value.clone())).collect()
        };
        let mut new = there.clone();
        new.fields = status(&there.fields, true);
        new.fields.extend(status(&edited.fields, false));
        new.intent.touch = edited.intent.touch;
        Some(self.store_edited(&mut state, &entry.model, &there, new))
    }

    fn store_edited(&self, state: &mut State, model: &Model, there: &Object, mut new: Object) -> Object {
        let changed = difference(&there.fields, &new.fields);
        if changed.is_empty() && there.intent.touch == new.intent.touch {
            return new;
        }
        own(&mut new, changed.keys(), true);
        new.meta.edited = Some(self.clock.now());
        if !changed.is_empty() {
            new.meta.generation += 1;
            xos_crds::rehash(model, &mut new);
        }
        Self::store(state, new)
    }

    /// Stores what an operator sends of an object, as `kubectl create` and `kubectl replace` do: spec, and of metadata
    /// what the framework looks at. Status is not taken, as from any request to the object itself. Returns the object
    /// as it is then; nothing if there is no such model.
    pub fn replace(&self, sent: &Object) -> Option<Object> {
        let entry = Arc::clone(self.registry.now().get(&sent.model)?);
        let mut state = self.state();
        let Some(there) = state.objects.get(&sent.key()).cloned() else {
            return Some(self.insert(&mut state, &entry, sent, By::Operator));
        };
        let mut new = there.clone();
        new.fields.retain(|name, _| in_status(&entry.model, name));
        let spec = sent.fields.iter().filter(|(name, _)| !in_status(&entry.model, name));
        new.fields.extend(spec.map(|(name, value)| (name.clone(), value.clone())));
        new.meta.finalizers.clone_from(&sent.meta.finalizers);
        new.meta.annotations.clone_from(&sent.meta.annotations);
        new.quiet_saves.clone_from(&sent.quiet_saves);
        new.intent.touch.clone_from(&sent.intent.touch);
        xos_crds::rehash(&entry.model, &mut new);
        if new == there {
            return Some(new);
        }
        new.meta.edited = Some(self.clock.now());
        if new.intent.spec != there.intent.spec {
            own(&mut new, difference(&there.fields, &sent.fields).keys(), true);
            new.meta.generation += 1;
        }
        Some(Self::store(&mut state, new))
    }

    /// Puts the status of one object on another one, as `kubectl replace --subresource=status` does with what was
    /// saved. Returns the object as it is then; nothing if it is not there.
    pub fn replace_status(&self, key: &ObjectKey, sent: &Object) -> Option<Object> {
        let entry = Arc::clone(self.registry.now().get(&key.model)?);
        let mut state = self.state();
        let mut new = state.objects.get(key).cloned()?;
        new.status = sent.status.clone();
        new.fields.retain(|name, _| !in_status(&entry.model, name));
        let status = sent.fields.iter().filter(|(name, _)| in_status(&entry.model, name));
        new.fields.extend(status.map(|(name, value)| (name.clone(), value.clone())));
        xos_crds::recall(&entry.model, &new.meta, &mut new.fields);
        Some(Self::store(&mut state, new))
    }

    /// Deletes an object as an operator does. Returns whether there was one.
    pub fn remove(&self, key: &ObjectKey) -> bool {
        let mut state = self.state();
        let there = state.objects.get(key).cloned();
        there.is_some_and(|there| {
            self.mark_deleted(&mut state, there);
            true
        })
    }

    /// Deletes an object as an operator does with `--cascade=orphan`. Returns whether there was one. The garbage collector
    /// does its part with [`orphan`](Self::orphan).
    pub fn remove_orphaning(&self, key: &ObjectKey) -> bool {
        let mut state = self.state();
        let there = state.objects.get(key).cloned();
        there.is_some_and(|mut there| {
            there.meta.finalizers.push(ORPHAN.to_owned());
            self.mark_deleted(&mut state, there);
            true
        })
    }

    /// Does what Kubernetes' garbage collector does with an object that is deleted with `--cascade=orphan`.
    pub fn orphan(&self, key: &ObjectKey) {
        let mut state = self.state();
        if let Some(mut there) = state.objects.get(key).cloned() {
            there.meta.finalizers.retain(|finalizer| finalizer != ORPHAN);
            Self::store(&mut state, there);
        }
    }
}
