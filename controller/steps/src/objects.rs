//! A context's own objects: saving, deleting, following links.

use std::sync::Arc;

use xos_model::save::difference;
use xos_model::{Fields, FieldsOf, IsA, Link, Model, Object, ObjectKey, QueryError, Reverse};

use crate::context::StepContext;
use crate::events::Event;
use crate::models::Models;
use crate::store::{Save, StoreError};

impl StepContext {
    /// The objects of a model, for finding and making some. With a base: those of all models derived from it.
    pub fn models<T: Model>(&self) -> Models<'_, T> {
        Models::new(self, T::MODEL_NAME)
    }

    /// The objects of a model that is known by name only.
    pub fn models_of(&self, class: &str) -> Models<'_, Object> {
        Models::new(self, class)
    }

    /// Saves what was changed of an object, quietly; makes it, if it is new. See [`Save`] for what "quietly" means.
    ///
    /// Whoever else changed the object meanwhile keeps what they set in other fields. `o` is then as it is stored.
    ///
    /// # Errors
    /// When it cannot be saved, or was changed in a field that is the framework's own.
    pub async fn save<T: Model>(&self, o: &mut T) -> Result<(), StoreError> {
        self.save_with(o, &Save::default()).await
    }

    /// Saves an object and asks for another run of its policies and steps, changed or not.
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

    /// Saves an object in this way.
    ///
    /// # Errors
    /// As for [`save`](Self::save), and when the model has no field of a name that is to be saved.
    pub async fn save_with<T: Model>(&self, o: &mut T, how: &Save) -> Result<(), StoreError> {
        let stored = if o.meta().uid.is_empty() {
            self.make(o.to_object()?).await?
        } else {
            let base = self.base(o)?;
            let mut changed = changed(&base, o)?;
            if let Some(only) = &how.only {
                self.known_fields(&base.model, only)?;
                changed.retain(|field, _| only.contains(field));
            }
            if changed.is_empty() && !how.touch {
                return Ok(());
            }
            self.store().save(self.saver(), base, changed, how).await?
        };
        self.session().wrote(&stored);
        if how.touch {
            self.session().asked_for(stored.intent.touch.as_ref());
        }
        *o = T::from_object(&stored)?;
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

    /// The state of an object that its changes are told from.
    fn base<T: Model>(&self, o: &T) -> Result<Arc<Object>, StoreError> {
        let meta = o.meta();
        let state = self.session().state(&meta.uid, &meta.resource_version);
        state.ok_or_else(|| StoreError::NotRead(key(o)))
    }

    /// Whether an operator's change of an object that was read here has not reached the backend yet, so that what the backend says of it is
    /// old. Where nobody synchronizes the object, it never is.
    pub fn is_in_flight(&self, o: &impl Model) -> bool {
        self.base(o).is_ok_and(|object| self.store().is_in_flight(&object))
    }

    /// Asks for the deletion of an object. It goes once its delete step and policies have run; what leads to it goes before.
    ///
    /// One that is gone already is deleted.
    ///
    /// # Errors
    /// When it is write-protected, or cannot be deleted.
    pub async fn delete<T: Model>(&self, o: &T) -> Result<(), StoreError> {
        match self.base(o) {
            Ok(base) => self.store().delete(self.saver(), base).await,
            Err(error) => Err(error),
        }
    }

    /// Tells people of something about an object that was read or made here: `kubectl describe` shows it.
    ///
    /// The framework itself tells failures. An event is not kept for long, and may be lost.
    ///
    /// # Errors
    /// When the object is not one that was read here.
    pub fn event<T: Model>(&self, o: &T, event: Event) -> Result<(), StoreError> {
        self.events().publish(self.base(o)?.as_ref(), event);
        Ok(())
    }

    /// Where a link of `of` leads; none if that object is not there (yet).
    ///
    /// # Errors
    /// When the link leads to a base, says no kind, and several kinds have an object of that name.
    pub fn peer<T: Model>(&self, of: &impl Model, link: &Link<T>) -> Result<Option<T>, StoreError> {
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

    /// Where the links of `of` lead: those of the objects that are there.
    ///
    /// # Errors
    /// As for [`peer`](Self::peer).
    pub fn peers<T: Model>(&self, of: &impl Model, links: &[Link<T>]) -> Result<Vec<T>, StoreError> {
        links.iter().filter_map(|link| self.peer(of, link).transpose()).collect()
    }

    /// The objects whose links lead to `of`, by its reverse port: `ctx.back(&site, Site::SLICES)`. Not those that are being deleted.
    ///
    /// # Errors
    /// When an object does not fit its type.
    pub fn back<P: Model, T: Model>(&self, of: &impl IsA<P>, port: Reverse<P, T>) -> Result<Vec<T>, StoreError> {
        self.linked_back(of, port.name())
    }

    /// The same by the port's name.
    ///
    /// # Errors
    /// When there is no store.
    pub fn back_by(&self, of: &impl Model, port: &str) -> Result<Vec<Object>, StoreError> {
        self.linked_back(of, port)
    }

    /// As XOS: an object that is being deleted leads nowhere any more.
    fn linked_back<T: Model>(&self, of: &impl Model, port: &str) -> Result<Vec<T>, StoreError> {
        let objects = self.store().linked_back(&key(of), port)?;
        objects.iter().filter(|object| object.meta.deleting.is_none()).map(|object| self.hand_out(object)).collect()
    }

    /// The object itself, as its own model, where `of` may be a view of it as a base (XOS's `leaf_model`); none if it is of another one.
    ///
    /// # Errors
    /// When it is gone, or does not fit its type.
    pub fn leaf<T: Model>(&self, of: &impl Model) -> Result<Option<T>, StoreError> {
        if of.leaf_model() != T::MODEL_NAME {
            return Ok(None);
        }
        let reference = xos_model::Reference::to(&of.meta().name);
        let found = self.store().at(T::MODEL_NAME, &of.meta().namespace, &reference)?;
        let one = found.first().ok_or_else(|| StoreError::Gone(key(of)))?;
        self.hand_out(one).map(Some)
    }

    /// Whether an object is of this class (XOS's `class_names`).
    pub fn is_a(&self, of: &impl Model, class: &str) -> bool {
        let models = self.store().models();
        models.get(of.leaf_model()).is_some_and(|model| model.is_a(class))
    }

    /// The typed object, whose state is remembered.
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
