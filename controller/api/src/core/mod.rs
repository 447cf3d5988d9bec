//! The objects of the API: what is read of them, and what a request makes of them.

mod dirty;
mod edit;
mod filter;
mod query;
mod reply;
mod rights;
mod save;
mod served;

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value as Json;
use xos_grpc::Message;
use xos_grpc::messages::xos::Query;
use xos_grpc::wire::put_item;
use xos_model::policy::Aim;
use xos_model::{Object, ObjectKey, Query as Asked, Reference};
use xos_steps::Store;
use xos_xproto::{Model, ModelSet};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::{Sequences, SharedIds};

use filter::Filter;
use reply::Replies;
use rights::Stored;
pub(crate) use served::Served;

/// What a [`Core`] needs to know.
#[derive(Clone, Debug)]
pub struct CoreOptions {
    /// The namespace of the objects that it makes.
    pub namespace: String,
}

/// XOS's API over a store of objects. Clones are the same one.
#[derive(Clone)]
pub struct Core {
    store: Arc<dyn Store>,
    ids: SharedIds,
    sequences: Arc<Sequences>,
    options: CoreOptions,
    /// What is served of the models: made anew when they change.
    served: Arc<RwLock<Arc<Served>>>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Core {
    /// Returns the API over a store. `ids` has to follow its objects.
    pub fn new(store: Arc<dyn Store>, ids: SharedIds, sequences: Arc<Sequences>, options: CoreOptions) -> Self {
        let served = Arc::new(RwLock::new(Arc::new(Served::of(store.models()))));
        Self { store, ids, sequences, options, served }
    }

    /// Returns what is served of the models as they are now.
    pub(crate) fn served(&self) -> Arc<Served> {
        let models = self.store.models();
        let served = Arc::clone(&self.served.read().unwrap_or_else(PoisonError::into_inner));
        if Arc::ptr_eq(&served.models, &models) {
            return served;
        }
        let served = Arc::new(Served::of(models));
        *self.served.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&served);
        served
    }

    /// Returns all objects of a model and of those that inherit from it that the caller may read, as a message.
    ///
    /// # Errors
    /// When there is no such model.
    pub fn list(&self, caller: &Caller, model: &str) -> Result<Vec<u8>, ApiError> {
        let served = self.served();
        let (model, message) = served.get(model)?;
        let mut all = self.store.query(&Asked::of(&model.name, None))?;
        self.leave_readable(caller, &mut all)?;
        Ok(self.replies(&served, model, message).list(all))
    }

    /// Returns the objects that meet conditions and that the caller may read, as a message.
    ///
    /// # Errors
    /// When there is no such model, or a condition does not fit it.
    pub fn filter(&self, caller: &Caller, model: &str, query: &Query) -> Result<Vec<u8>, ApiError> {
        let served = self.served();
        let (model, message) = served.get(model)?;
        let filter = Filter::read(self, &served.models, model, query)?;
        let mut found = filter.find()?;
        self.leave_readable(caller, &mut found)?;
        Ok(self.replies(&served, model, message).list(found))
    }

    /// Takes out what the caller may not read.
    fn leave_readable(&self, caller: &Caller, objects: &mut Vec<Arc<Object>>) -> Result<(), ApiError> {
        let stored = Stored(self.store.as_ref());
        let rights = self.rights(caller, &stored, Aim::Read)?;
        objects.retain(|object| rights.permit(object));
        Ok(())
    }

    /// Refuses what the caller may not do with an object.
    fn permit(&self, caller: &Caller, aim: Aim, object: &Arc<Object>) -> Result<(), ApiError> {
        self.rights(caller, &Stored(self.store.as_ref()), aim)?.check(object)
    }

    /// Returns an object as a message, also one that is being deleted.
    ///
    /// # Errors
    /// When there is none, or the caller may not read it.
    pub fn get(&self, caller: &Caller, model: &str, id: i32) -> Result<Vec<u8>, ApiError> {
        let served = self.served();
        let (model, message) = served.get(model)?;
        let object = self.object(&served.models, model, id)?;
        self.permit(caller, Aim::Read, &object)?;
        Ok(self.replies(&served, model, message).one(&object))
    }

    /// Deletes an object. A write-protected one stays, without an error.
    ///
    /// # Errors
    /// When there is none, the caller may not write it, or it cannot be deleted.
    pub async fn delete(&self, caller: &Caller, model: &str, id: i32) -> Result<(), ApiError> {
        let served = self.served();
        let (model, _) = served.get(model)?;
        let object = self.object(&served.models, model, id)?;
        self.permit(caller, Aim::Write, &object)?;
        if object.meta.deleting.is_some() {
            return Err(ApiError::NotFound { model: model.name.clone(), id });
        }
        match self.store.delete(&caller.saver(), object).await {
            Err(xos_steps::StoreError::WriteProtected(_)) => Ok(()),
            result => Ok(result?),
        }
    }

    /// Returns the objects that a query asks for.
    pub(crate) fn query(&self, query: &Asked) -> Result<Vec<Arc<Object>>, ApiError> {
        Ok(self.store.query(query)?)
    }

    fn replies<'a>(&'a self, served: &'a Served, model: &'a Model, message: &'a Message) -> Replies<'a> {
        Replies::of(self.store.as_ref(), &served.models, model, message)
    }

    /// Returns the object of a class with an id.
    fn object(&self, models: &ModelSet, class: &Model, id: i32) -> Result<Arc<Object>, ApiError> {
        let found = self.ids.get(models, &class.name, id).map(|key| self.find(&key)).transpose()?.flatten();
        found.ok_or_else(|| ApiError::NotFound { model: class.name.clone(), id })
    }

    fn find(&self, key: &ObjectKey) -> Result<Option<Arc<Object>>, ApiError> {
        let found = self.store.at(&key.model, &key.namespace, &Reference::to(&key.name))?;
        Ok(found.into_iter().find(|object| object.key() == *key))
    }
}

/// Returns the objects that a link of an object leads to: one, unless its name is ambiguous or nothing has it.
fn led_to(store: &dyn Store, models: &ModelSet, object: &Object, peer: &str, link: &Json) -> Vec<Arc<Object>> {
    let Ok(reference) = serde_json::from_value::<Reference>(link.clone()) else { return vec![] };
    let class = reference.kind.as_deref().filter(|kind| models.get(kind).is_some()).unwrap_or(peer);
    store.at(class, &object.meta.namespace, &reference).unwrap_or_default()
}

/// Returns the links that the value of a link field has.
fn links(value: &Json) -> &[Json] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

impl Replies<'_> {
    /// Returns a list, ordered by id.
    fn list(&self, mut all: Vec<Arc<Object>>) -> Vec<u8> {
        all.sort_by_key(|object| object.status.id);
        let mut list = vec![];
        for object in all {
            put_item(&self.one(&object), &mut list);
        }
        list
    }
}
