//! Makes objects agree with the list that a backend returns: what nearly every pull step does.

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

/// How many items are saved at the same time.
const AT_ONCE: usize = 8;
/// The field that says whether the object was created by an operator and not from a listing.
const XOS_MANAGED: &str = "xos_managed";

/// The objects that represent the items of a backend's list.
///
/// [`reconcile`](Self::reconcile) makes them agree with the list:
/// - for each item the object with the same key is found, or created with `xos_managed: false`;
/// - the object is saved quietly, and only if something changed: the same list again causes no write;
/// - an object is not changed while an operator's change of it has not reached the backend;
/// - an object that was created from a list, and whose item is not listed any more, is deleted.
///
/// Ask the backend first, and let `?` end the step if it does not answer: then nothing is changed.
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

/// What [`Listing::reconcile`] has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Objects that were created.
    pub made: usize,
    /// Objects that were saved.
    pub saved: usize,
    /// Objects whose deletion was requested.
    pub deleted: usize,
    /// Objects that already agreed with the list.
    pub unchanged: usize,
    /// Objects that were not changed because an operator's change of them has not reached the backend, or because they
    /// are being deleted.
    pub left_alone: usize,
}

impl fmt::Display for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, saved, deleted, unchanged, left_alone } = self;
        write!(f, "{made} made, {saved} saved, {deleted} deleted, {unchanged} unchanged, {left_alone} left alone")
    }
}

/// What was done for one item.
enum Fate {
    Made,
    Saved,
    Unchanged,
    LeftAlone,
}

impl StepContext {
    /// Returns the objects of a model that represent the items of a backend's list. The key is one or more fields, or
    /// [`NaturalKey`](xos_model::NaturalKey).
    pub fn listing<T: Model>(&self, key: impl FieldsOf<T>) -> Listing<'_, T> {
        self.listing_of_class(T::MODEL_NAME, &key.names())
    }

    /// Like [`listing`](Self::listing), for a model that is known only by name.
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
    /// Says that the list has only items whose objects have this value in a field, such as the devices of one switch.
    /// Other objects are not deleted.
    pub fn within<X: Serialize>(mut self, field: impl FieldOf<T, X>, value: X) -> Self {
        match serde_json::to_value(value) {
            Ok(value) => self.within.push((field.field_name().to_owned(), value)),
            Err(error) => self.error = Some(error.into()),
        }
        self
    }

    /// Keeps objects whose items are not listed any more.
    pub fn keep_vanished(mut self) -> Self {
        self.keep = true;
        self
    }

    /// Keeps the values that an operator has set, whatever the backend says.
    pub fn yielding(mut self) -> Self {
        self.how = self.how.yielding();
        self
    }

    /// Makes the objects agree with the list. `new` makes the object of an item; `update` copies the backend's values
    /// into it, and into an object that was found. Together they set the fields of the key.
    ///
    /// # Errors
    /// The first error, after all other items were handled. Then nothing is deleted.
    pub async fn reconcile<I>(
        self,
        items: &[I],
        new: impl Fn(&I) -> T + Sync,
        update: impl Fn(&I, &mut T) + Sync,
    ) -> Result<Pulled, StepError>
    where
        I: Sync,
    {
        if let Some(error) = self.error {
            return Err(error.into());
        }
        let mut results = Vec::with_capacity(items.len());
        for some in items.chunks(AT_ONCE) {
            let each = some.iter().map(|item| self.one(new(item), |o: &mut T| update(item, o)).boxed());
            results.extend(join_all(each).await);
        }
        let mut pulled = Pulled::default();
        let mut listed = HashSet::new();
        let mut failed = None;
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
