//! Saving and deleting objects, and following links.

use std::sync::Arc;

use xos_model::save::difference;
use xos_model::{Fields, FieldsOf, IsA, Known, Link, Model, Object, ObjectKey, QueryError, Reverse};

use crate::context::StepContext;
use crate::events::Event;
use crate::models::Models;
use crate::store::{Save, StoreError};

impl StepContext {
    /// Returns the objects of a model, to find or create some of them. If it is a base: those of all models derived
    /// from it.
    pub fn models<T: Known>(&self) -> Models<'_, T> {
        Models::new(self, T::MODEL_NAME)
    }

    /// Like [`models`](Self::models), for a model that is known only by name.
    pub fn models_of(&self, class: &str) -> Models<'_, Object> {
        Models::new(self, class)
    }

    /// Saves what was changed in an object, quietly (see [`Save`]); creates the object if it is new.
    ///
    /// Changes that somebody else made to other fields in the meantime are kept. Afterwards `o` is the object as it is
    /// stored.
    ///
    /// # Errors
    /// When it cannot be saved, or a field that belongs to the framework was changed.
    pub async fn save<T: Model>(&self, o: &mut T) -> Result<(), StoreError> {
        self.save_with(o, &Save::default()).await
    }

    /// Saves an object, and makes its policies and steps run again, whether it has changed or not.
    ///
    /// # Errors
    /// As for [`save`](Self::save).
    pub async fn touch<T: Model>(&self, o: &mut T) -> Result<(), StoreError> {
        self.save_with(o, &Save::default().and_touch()).await
    }

    /// Saves only these fields of an object, quietly: `ctx.save_only(&mut onu, Onu::ADMIN_STATE)`, several as a tuple.
    ///
    /// # Errors
    /// As for [`save`](Self::save).
    pub async fn save_only<T: Model>(&self, o: &mut T, fields: impl FieldsOf<T>) -> Result<(), StoreError> {
        self.save_with(o, &Save::quietly().only(fields)).await
    }

    /// Saves an object in the given way.
    ///
    /// # Errors
    /// As for [`save`](Self::save), and when the model has no field of a name that is to be saved.
    pub async fn save_with<T: Model>(&self, o: &mut T, how: &Save) -> Result<(), StoreError> {
        let stored = if o.meta().uid.is_empty() {
            let made = self.make(o.to_object()?).await?;
            self.session().count(|done| done.created += 1);
            made
        } else {
            let base = self.base(o)?;
            let mut changed = changed(&base, o)?;
            let given = self.session().given(&base.meta.uid);
            changed.retain(|field, _| !given.contains_key(field));
            if let Some(only) = &how.only {
                self.known_fields(&base.model, only)?;
                changed.retain(|field, _| only.iter().any(|name| name == field));
            }
            if changed.is_empty() && !how.touch {
                return Ok(());
            }
            let before = base.meta.resource_version.clone();
            let saved = self.store().save(self.saver(), base, changed, how).await?;
            if saved.meta.resource_version != before {
                self.session().count(|done| done.saved += 1);
            }
            saved
        };
        self.session().wrote(&stored);
        if how.touch {
            self.session().asked_for(stored.intent.touch.as_ref());
        }
        let given = self.session().given(&stored.meta.uid);
        if given.is_empty() {
            *o = T::from_object(&stored)?;
        } else {
            let mut whole = (*stored).clone();
            whole.fields.extend(given);
            *o = T::from_object(&whole)?;
        }
        Ok(())
    }

    /// Sets an annotation of the object of the call, by the part of its name after `xos.opencord.org/`; none removes it.
    /// That is no change of what is wanted.
    ///
    /// # Errors
    /// When the API server does not take it.
    pub async fn annotate(&self, o: &Object, name: &str, value: Option<String>) -> Result<(), StoreError> {
        let saved = self.session().saved(&o.meta.uid);
        let object = saved.unwrap_or_else(|| Arc::new(o.clone()));
        let annotations = vec![(name.to_owned().into(), value)];
        let stored = self.store().annotate(self.saver(), object, annotations).await?;
        self.session().annotated(&stored);
        Ok(())
    }

    fn known_fields(&self, model: &str, fields: &[String]) -> Result<(), StoreError> {
        let models = self.store().models();
        let Some(known) = models.get(model) else { return Ok(()) };
        let unknown = fields.iter().find(|name| !known.members().any(|member| member.name() == **name));
        unknown.map_or(Ok(()), |field| {
            Err(QueryError::UnknownField { model: model.to_owned(), field: field.clone() }.into())
        })
    }

    async fn make(&self, mut object: Object) -> Result<Arc<Object>, StoreError> {
        if object.meta.namespace.is_empty() {
            self.namespace().clone_into(&mut object.meta.namespace);
        }
        self.store().create(self.saver(), object).await
    }

    /// Returns the object as it was read.
    fn base<T: Model>(&self, o: &T) -> Result<Arc<Object>, StoreError> {
        let meta = o.meta();
        let state = self.session().state(&meta.uid, &meta.resource_version);
        state.ok_or_else(|| StoreError::NotRead(key(o)))
    }

    /// Whether an operator's change of an object has not reached the backend yet, so that the backend's values are old.
    /// Always false if no synchronizer handles the object.
    pub fn is_in_flight(&self, o: &impl Model) -> bool {
        self.base(o).is_ok_and(|object| self.store().is_in_flight(&object))
    }

    /// Requests the deletion of an object. It is removed after the objects that link to it, and after its policies and
    /// its `delete_record`.
    ///
    /// If the object does not exist any more, that is no error.
    ///
    /// # Errors
    /// When it is write-protected, or cannot be deleted.
    pub async fn delete<T: Model>(&self, o: &T) -> Result<(), StoreError> {
        match self.base(o) {
            Ok(base) => {
                self.store().delete(self.saver(), base).await?;
                self.session().count(|done| done.deleted += 1);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a Kubernetes Event about an object: `kubectl describe` shows it.
    ///
    /// The framework itself sends events of failures. Events are not kept for long, and may be lost.
    ///
    /// # Errors
    /// When the object was not read with this context.
    pub fn event<T: Model>(&self, o: &T, event: Event) -> Result<(), StoreError> {
        self.events().publish(self.base(o)?.as_ref(), event);
        Ok(())
    }

    /// Returns the object that a link of `of` refers to; none if it does not exist (yet).
    ///
    /// # Errors
    /// When the link is to a base and names no kind, and objects of several kinds have that name.
    pub fn peer<T: Known>(&self, of: &impl Model, link: &Link<T>) -> Result<Option<T>, StoreError> {
        match self.store().at(T::MODEL_NAME, &of.meta().namespace, link)?.as_slice() {
            [] => Ok(None),
            [one] => self.hand_out(one).map(Some),
            several => {
                let names: Vec<_> = several.iter().map(|object| object.key().to_string()).collect();
                let what = format!("{} {}", T::MODEL_NAME, link.name);
                Err(StoreError::NotUnique { what, count: several.len(), names: names.join(", ") })
            }
        }
    }

    /// Returns the objects that links of `of` refer to, as far as they exist.
    ///
    /// # Errors
    /// As for [`peer`](Self::peer).
    pub fn peers<T: Known>(&self, of: &impl Model, links: &[Link<T>]) -> Result<Vec<T>, StoreError> {
        links.iter().filter_map(|link| self.peer(of, link).transpose()).collect()
    }

    /// Returns the objects that link to `of`, by the reverse port: `ctx.back(&site, Site::SLICES)`. Objects that are
    /// being deleted are left out.
    ///
    /// # Errors
    /// When an object does not fit its type.
    pub fn back<P: Model, T: Known>(&self, of: &impl IsA<P>, port: Reverse<P, T>) -> Result<Vec<T>, StoreError> {
        self.linked_back(of, port.name())
    }

    /// Like [`back`](Self::back), by the port's name.
    ///
    /// # Errors
    /// When there is no store.
    pub fn back_by(&self, of: &impl Model, port: &str) -> Result<Vec<Object>, StoreError> {
        self.linked_back(of, port)
    }

    /// As in XOS the links of an object that is being deleted do not count.
    fn linked_back<T: Model>(&self, of: &impl Model, port: &str) -> Result<Vec<T>, StoreError> {
        let objects = self.store().linked_back(&key(of), port)?;
        objects.iter().filter(|object| object.meta.deleting.is_none()).map(|object| self.hand_out(object)).collect()
    }

    /// Returns an object as its own model, given a view of it as a base (XOS's `leaf_model`); none if it is of another
    /// model.
    ///
    /// # Errors
    /// When it does not exist any more, or does not fit its type.
    pub fn leaf<T: Model>(&self, of: &impl Model) -> Result<Option<T>, StoreError> {
        if of.leaf_model() != T::MODEL_NAME {
            return Ok(None);
        }
        let reference = xos_model::Reference::to(&of.meta().name);
        let found = self.store().at(T::MODEL_NAME, &of.meta().namespace, &reference)?;
        let one = found.first().ok_or_else(|| StoreError::Gone(key(of)))?;
        self.hand_out(one).map(Some)
    }

    /// Whether an object is of a model, or of one derived from it (XOS's `class_names`).
    pub fn is_a(&self, of: &impl Model, class: &str) -> bool {
        let models = self.store().models();
        models.get(of.leaf_model()).is_some_and(|model| model.is_a(class))
    }

    /// Converts an object into its type, and remembers its state for a later save.
    pub(crate) fn hand_out<T: Model>(&self, object: &Arc<Object>) -> Result<T, StoreError> {
        self.session().saw(object);
        Ok(T::from_object(object)?)
    }
}

fn changed(base: &Object, o: &impl Model) -> Result<Fields, StoreError> {
    let mut after = base.clone();
    o.write_to(&mut after)?;
    Ok(difference(&base.fields, &after.fields))
}

fn key(o: &impl Model) -> ObjectKey {
    ObjectKey::new(o.leaf_model(), &o.meta().namespace, &o.meta().name)
}
