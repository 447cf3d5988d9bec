//! What a backend lists, made objects: the body of nearly every pull step.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use futures::FutureExt as _;
use futures::future::join_all;
use serde::Serialize;
use serde_json::Value;
use xos_model::{FieldOf, FieldsOf, Model, Object, ObjectKey};

use crate::context::StepContext;
use crate::error::StepError;
use crate::models::Models;
use crate::store::{Save, StoreError};

/// How many things are saved at once.
const AT_ONCE: usize = 8;
/// The field that says whether an operator, by XOS, made the object.
const XOS_MANAGED: &str = "xos_managed";

/// The objects that stand for what a backend lists.
///
/// [`reconcile`](Self::reconcile) makes them agree with a listing:
/// - for each thing the object with the same key is found, or made, with `xos_managed: false`;
/// - it is saved quietly, and only if something changed: an unchanged listing makes no write;
/// - an object with an operator's change that its sync step has not brought to the backend yet is left alone;
/// - an object that such a listing made, and whose thing is no longer listed, is deleted.
///
/// Ask the backend first, and let `?` end the step when it does not answer: then nothing is changed.
#[derive(Debug)]
#[must_use = "nothing happens before `reconcile`"]
pub struct Listing<'a, T> {
    ctx: &'a StepContext,
    class: String,
    key: Vec<String>,
    within: Vec<(String, Value)>,
    keep: bool,
    how: Save,
    error: Option<StoreError>,
    model: PhantomData<fn() -> T>,
}

/// What a listing changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Objects that are new.
    pub made: usize,
    /// Objects that were saved.
    pub saved: usize,
    /// Objects that were asked to go.
    pub deleted: usize,
    /// Objects that were as listed.
    pub unchanged: usize,
    /// Objects that an operator has just changed, or deleted.
    pub left_alone: usize,
}

impl fmt::Display for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, saved, deleted, unchanged, left_alone } = self;
        write!(f, "{made} made, {saved} saved, {deleted} deleted, {unchanged} unchanged, {left_alone} left alone")
    }
}

/// What became of one thing.
enum Fate {
    Made,
    Saved,
    Unchanged,
    LeftAlone,
}

impl StepContext {
    /// The objects of a model that stand for what a backend lists, told apart by these fields, or by
    /// [`NaturalKey`](xos_model::NaturalKey).
    pub fn listing<T: Model>(&self, key: impl FieldsOf<T>) -> Listing<'_, T> {
        self.listing_of_class(T::MODEL_NAME, &key.names())
    }

    /// The same for a model that is known by name only.
    pub fn listing_of(&self, class: &str, key: impl FieldsOf<Object>) -> Listing<'_, Object> {
        self.listing_of_class(class, &key.names())
    }

    fn listing_of_class<T>(&self, class: &str, key: &[&str]) -> Listing<'_, T> {
        Listing {
            ctx: self,
            class: class.to_owned(),
            key: key.iter().map(|&field| field.to_owned()).collect(),
            within: vec![],
            keep: false,
            how: Save::quietly(),
            error: None,
            model: PhantomData,
        }
    }
}

impl<T: Model> Listing<'_, T> {
    /// The listing is of those things only whose objects have this value in a field, such as the devices behind one switch: others are not
    /// taken for vanished.
    pub fn within<X: Serialize>(mut self, field: impl FieldOf<T, X>, value: X) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => self.within.push((field.field_name().to_owned(), value)),
            Err(error) => self.error = Some(error.into()),
        }
        self
    }

    /// Objects of things that are no longer listed stay.
    pub fn keep_vanished(mut self) -> Self {
        self.keep = true;
        self
    }

    /// What an operator set wins over what the backend says.
    pub fn yielding(mut self) -> Self {
        self.how = self.how.yielding();
        self
    }

    /// Makes the objects agree with the listing. `new` gives the object of a thing that is not known yet; `update` sets what the backend says
    /// in an object, new or found, the key's fields included.
    ///
    /// # Errors
    /// The first one, after all other things were looked at; then nothing is deleted.
    pub async fn reconcile<I>(
        self,
        things: &[I],
        new: impl Fn(&I) -> T + Sync,
        update: impl Fn(&I, &mut T) + Sync,
    ) -> Result<Pulled, StepError>
    where
        I: Sync,
    {
        if let Some(error) = self.error {
            return Err(error.into());
        }
        let mut results = Vec::with_capacity(things.len());
        for some in things.chunks(AT_ONCE) {
            let each = some.iter().map(|thing| self.one(new(thing), |o: &mut T| update(thing, o)).boxed());
            results.extend(join_all(each).await);
        }
        let (mut pulled, mut listed, mut failed) = (Pulled::default(), HashSet::new(), None);
        for result in results {
            match result {
                Ok((key, fate)) => {
                    listed.extend(key);
                    pulled.count(&fate);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
        if !self.keep {
            self.remove_vanished(&listed, &mut pulled).await?;
        }
        Ok(pulled)
    }

    async fn one(&self, mut new: T, update: impl Fn(&mut T) + Send) -> Result<(Option<ObjectKey>, Fate), StoreError> {
        update(&mut new);
        let mut object = new.to_object()?;
        object.set(XOS_MANAGED, Value::Bool(false));
        let key: Vec<_> = self.key.iter().map(String::as_str).collect();
        let made = self.models().find_or_create_by(T::from_object(&object)?, &key).await;
        let (mut found, is_new) = match made {
            Err(StoreError::BeingDeleted(key)) => return Ok((Some(key), Fate::LeftAlone)),
            other => other?,
        };
        let name = ObjectKey::new(found.leaf_model(), &found.meta().namespace, &found.meta().name);
        if is_new {
            return Ok((Some(name), Fate::Made));
        }
        if self.ctx.is_in_flight(&found) {
            return Ok((Some(name), Fate::LeftAlone));
        }
        let before = found.meta().resource_version.clone();
        update(&mut found);
        self.ctx.save_with(&mut found, &self.how).await?;
        let fate = if found.meta().resource_version == before { Fate::Unchanged } else { Fate::Saved };
        Ok((Some(name), fate))
    }

    async fn remove_vanished(&self, listed: &HashSet<ObjectKey>, pulled: &mut Pulled) -> Result<(), StoreError> {
        let mut ours = self.ctx.models_of(&self.class).filter(XOS_MANAGED, false);
        for (field, value) in &self.within {
            ours = ours.filter(field, value);
        }
        for object in ours.all()?.iter().filter(|object| !listed.contains(&object.key())) {
            if self.ctx.is_in_flight(object) {
                pulled.left_alone += 1;
            } else {
                self.ctx.delete(object).await?;
                pulled.deleted += 1;
            }
        }
        Ok(())
    }

    fn models(&self) -> Models<'_, T> {
        Models::new(self.ctx, &self.class)
    }
}

impl Pulled {
    fn count(&mut self, fate: &Fate) {
        let counter = match fate {
            Fate::Made => &mut self.made,
            Fate::Saved => &mut self.saved,
            Fate::Unchanged => &mut self.unchanged,
            Fate::LeftAlone => &mut self.left_alone,
        };
        *counter += 1;
    }
}
