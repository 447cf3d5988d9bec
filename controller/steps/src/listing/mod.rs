//! Makes objects agree with the list that a backend returns: what nearly every pull step does.

mod items;
mod vanished;

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde_json::Value;
use xos_model::brake::ListingBrake;
use xos_model::{FieldOf, FieldsOf, Known, Model, Object};

use crate::context::StepContext;
use crate::error::StepError;
use crate::store::{Save, StoreError};

/// The field that says whether the object was created by an operator and not from a listing.
const XOS_MANAGED: &str = "xos_managed";

/// The objects that represent the items of a backend's list.
///
/// [`reconcile`](Self::reconcile) makes them agree with the list:
/// - for each item the object with the same key is found, or created with `xos_managed: false`;
/// - the object is saved quietly, and only if something changed: the same list again causes no write;
/// - an object is not changed while an operator's change of it has not reached the backend;
/// - an object that was created from a list, and whose item is not listed any more, is deleted, unless it is
///   write-protected;
/// - what would delete much at once is held until somebody confirms it, see [`brake`](Self::brake). All else goes on.
///
/// An item that cannot be handled stops neither the others nor the deletion of what has vanished.
///
/// Ask the backend first, and let `?` end the step if it does not answer: then nothing is changed.
#[derive(Debug)]
#[must_use = "nothing happens before `reconcile`"]
pub struct Listing<'a, T> {
    ctx: &'a StepContext,
    class: String,
    key: Vec<String>,
    within: Vec<(String, Value)>,
    /// The namespace, if the author named one.
    namespace: Option<String>,
    keep: bool,
    how: Save,
    brake: Option<ListingBrake>,
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
    /// are being deleted; and those that are not listed any more and are write-protected.
    pub left_alone: usize,
    /// Objects that are not listed any more, and stay until somebody confirms their deletion.
    pub held: usize,
}

/// A listing that was not carried out as a whole.
#[derive(Debug, thiserror::Error)]
pub enum ListingError {
    /// Nothing could be begun.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Some items could not be handled, or some objects not be deleted. All others were.
    #[error("{0}")]
    Partly(Failures),
}

/// What of a listing could not be done.
#[derive(Debug, Default)]
pub struct Failures {
    /// The number of items.
    items: usize,
    /// The items that could not be handled, and why the first one could not.
    failed: Failed,
    /// The objects that could not be deleted, and why the first one could not.
    undeleted: Failed,
    /// Objects that are not listed any more, as it seems, and that were kept, since one of them may be an item's.
    kept: usize,
}

#[derive(Debug, Default)]
struct Failed {
    count: usize,
    first: Option<StoreError>,
}

impl Failed {
    fn add(&mut self, error: StoreError) {
        self.count += 1;
        self.first.get_or_insert(error);
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { items, failed, undeleted, kept } = self;
        if let Some(first) = &failed.first {
            write!(f, "{} of {items} items could not be handled, ", failed.count)?;
            let which = if failed.count == 1 { "" } else { "the first one: " };
            write!(f, "{which}{first}")?;
        }
        if *kept > 0 {
            write!(f, "; {kept} objects that are not listed were kept, as one of them may be that of such an item")?;
        }
        if let Some(first) = &undeleted.first {
            let and = if failed.first.is_some() { "; " } else { "" };
            let objects = if undeleted.count == 1 { "object" } else { "objects" };
            write!(f, "{and}{} {objects} could not be deleted: {first}", undeleted.count)?;
        }
        Ok(())
    }
}

impl fmt::Display for Pulled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { made, saved, deleted, unchanged, left_alone, held } = self;
        write!(f, "{made} made, {saved} saved, {deleted} deleted, {unchanged} unchanged, {left_alone} left alone")?;
        if *held > 0 { write!(f, ", {held} held") } else { Ok(()) }
    }
}

impl StepContext {
    /// Returns the objects of a model that represent the items of a backend's list. The key is one or more fields, or
    /// [`NaturalKey`](xos_model::NaturalKey).
    pub fn listing<T: Known>(&self, key: impl FieldsOf<T>) -> Listing<'_, T> {
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
            namespace: None,
            keep: false,
            how: Save::quietly(),
            brake: None,
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

    /// Says that the things of the list belong to this namespace: their objects are looked for, created and deleted
    /// there. The same key in another namespace is another thing.
    ///
    /// Without it they belong to the first of the configuration's `namespaces`, or to `default`; then an item whose
    /// object lies in another namespace is an error, and no second object is created.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
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

    /// Sets when deletions are held, in place of the configuration's `brakes`: by default those of more than 10 objects
    /// that are also more than a fifth of the objects created from the list. [`ListingBrake::OFF`] never holds any.
    pub fn brake(mut self, brake: ListingBrake) -> Self {
        self.brake = Some(brake);
        self
    }

    /// Makes the objects agree with the list. `new` makes the object of an item; `update` copies the backend's values
    /// into it, and into an object that was found. Together they set the fields of the key.
    ///
    /// # Errors
    /// If items could not be handled, or objects not be deleted; all others were. Or if nothing could be begun.
    pub async fn reconcile<I>(
        mut self,
        items: &[I],
        new: impl Fn(&I) -> T + Sync,
        update: impl Fn(&I, &mut T) + Sync,
    ) -> Result<Pulled, StepError>
    where
        I: Sync,
    {
        if let Some(error) = self.error.take() {
            return Err(error.into());
        }
        let namespace = self.namespace.clone().unwrap_or_else(|| self.ctx.namespace().to_owned());
        let scope = Some(namespace.clone()).filter(|namespace| !namespace.is_empty());
        Ok(self.run(items, scope, &|_| namespace.clone(), &new, &update).await?)
    }

    /// Makes the objects agree with a list whose things belong to several namespaces: each to that which `namespace`
    /// returns. The list is of all namespaces that the synchronizer watches.
    ///
    /// # Errors
    /// As for [`reconcile`](Self::reconcile). An item whose namespace is not watched cannot be handled.
    pub async fn reconcile_by_namespace<I>(
        mut self,
        items: &[I],
        namespace: impl Fn(&I) -> String + Sync,
        new: impl Fn(&I) -> T + Sync,
        update: impl Fn(&I, &mut T) + Sync,
    ) -> Result<Pulled, StepError>
    where
        I: Sync,
    {
        if let Some(error) = self.error.take() {
            return Err(error.into());
        }
        // It is said where the things belong.
        self.namespace.get_or_insert_default();
        Ok(self.run(items, None, &namespace, &new, &update).await?)
    }
}
