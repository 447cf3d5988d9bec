//! The writes of a synchronizer.

use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use jiff::Timestamp;
use xos_crds::SpecSchema;
use xos_model::names;
use xos_model::record::rebase;
use xos_model::{Fields, Object, ObjectKey};
use xos_steps::store::Annotations;

use super::{By, ChangeKind, Injected, MemoryApi, State, fault, lost, own};
use crate::registry::Entry;
use crate::secrets::{SecretData, SecretName};
use crate::writer::{SpecSave, WriteError, Writer, Written, in_status};

impl Writer for MemoryApi {
    fn set_finalizers<'a>(&'a self, _: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a> {
        let change = |o: &mut Object| o.meta.finalizers = finalizers.to_vec();
        ready(self.write((ChangeKind::Finalizers, ""), object, true, change)).boxed()
    }

    fn save_spec<'a>(&'a self, entry: &'a Entry, object: &'a Object, save: &'a SpecSave, who: &'a str) -> Written<'a> {
        let what = match (&save.touch, save.spec.is_empty()) {
            (Some(_), _) => ChangeKind::Touched,
            (None, true) => ChangeKind::Kept,
            (None, false) => ChangeKind::Spec,
        };
        let (by_operator, now) = (who.starts_with(names::API_MANAGERS), self.clock.now());
        let change = |o: &mut Object| {
            if by_operator {
                o.meta.edited = Some(now);
            }
            for (field, value) in &save.spec {
                o.set(field, value.clone());
            }
            own(o, save.spec.keys(), by_operator);
            if !save.spec.is_empty() {
                o.meta.generation += 1;
                o.quiet_saves.clone_from(&save.saves);
                xos_crds::rehash(&entry.model, o);
            }
            let name = names::operator_annotation(names::KEPT_STATUS_ANNOTATION).unwrap_or_default();
            match &save.kept {
                Some(kept) => drop(o.meta.annotations.insert(name.into(), kept.clone())),
                None => drop(o.meta.annotations.remove(name)),
            }
            if save.touch.is_some() {
                o.intent.touch.clone_from(&save.touch);
            }
        };
        let refused = self.refused(&mut self.state(), entry, &save.spec);
        let written = match refused {
            Some(refused) => Err(refused),
            None => self.write((what, who), object, true, change),
        };
        ready(written).boxed()
    }

    fn create<'a>(&'a self, entry: &'a Entry, object: &'a Object, who: &'a str) -> Written<'a> {
        let mut state = self.state();
        let created = fault(&mut state).and_then(|is_lost| {
            if state.objects.contains_key(&object.key()) {
                return Err(WriteError::Exists);
            }
            if let Some(refused) = self.refused(&mut state, entry, &object.fields) {
                return Err(refused);
            }
            let by = if who.starts_with(names::API_MANAGERS) { By::Client } else { By::Synchronizer };
            let created = self.insert(&mut state, entry, object, by);
            Self::note(&mut state, ChangeKind::Created, &created, who, &created.fields);
            if is_lost { Err(lost()) } else { Ok(created) }
        });
        ready(created).boxed()
    }

    fn read<'a>(&'a self, _: &'a Entry, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Object>, WriteError>> {
        ready(Ok(self.get(key))).boxed()
    }

    fn write_status<'a>(&'a self, entry: &'a Entry, before: &'a Object, after: &'a Object) -> Written<'a> {
        let registry = self.registry.now();
        let synchronizer = &registry.synchronizer;
        let change = |o: &mut Object| {
            *o = rebase(before, after, o, synchronizer, |name| in_status(&entry.model, name));
            o.meta.has_unshown_id &= o.status.id.is_none();
        };
        ready(self.write((ChangeKind::Status, ""), before, false, change)).boxed()
    }

    fn annotate<'a>(
        &'a self,
        _: &'a Entry,
        object: &'a Object,
        annotations: &'a Annotations,
        who: &'a str,
    ) -> Written<'a> {
        let change = |o: &mut Object| {
            for (name, value) in annotations {
                match value {
                    Some(value) => drop(o.meta.annotations.insert(name.as_ref().into(), value.clone())),
                    None => drop(o.meta.annotations.remove(name.as_ref())),
                }
            }
        };
        ready(self.write((ChangeKind::Annotated, who), object, false, change)).boxed()
    }

    fn read_secret<'a>(&'a self, of: &'a SecretName) -> BoxFuture<'a, Result<Option<SecretData>, WriteError>> {
        ready(Ok(self.state().secrets.get(of).map(|(_, data)| data.clone()))).boxed()
    }

    fn delete<'a>(&'a self, _: &'a Entry, object: &'a Object, exact: bool) -> Written<'a> {
        let now: Timestamp = self.clock.now();
        let change = |o: &mut Object| {
            o.meta.deleting.get_or_insert(now);
        };
        let deleted = self.write((ChangeKind::Deleted, ""), object, exact, change);
        let held = deleted.and_then(|o| if o.meta.finalizers.is_empty() { Err(WriteError::Gone) } else { Ok(o) });
        ready(held).boxed()
    }
}

impl MemoryApi {
    /// Returns the answer to values that the definition of the model does not allow.
    fn refused(&self, state: &mut State, entry: &Entry, fields: &Fields) -> Option<WriteError> {
        let given = fields.iter().filter(|(_, value)| !value.is_null());
        let given = given.map(|(name, value)| (name.clone(), value.clone())).collect();
        let new = || SpecSchema::of(&self.registry.now().models, &entry.model);
        let schema = state.schemas.entry(entry.model.name.clone()).or_insert_with(new);
        let why = schema.wrong_values(&entry.model, &given);
        (!why.is_empty()).then(|| WriteError::Other(Box::new(Injected(why.join("; ")))))
    }
}
