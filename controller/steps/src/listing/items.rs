//! The items of a listing.

use std::collections::HashSet;

use futures::FutureExt as _;
use futures::future::join_all;
use serde_json::Value;
use xos_model::{Model, Object, ObjectKey};

use super::{Failures, Listing, ListingError, Pulled, XOS_MANAGED};
use crate::keyed::Keyed;
use crate::store::StoreError;

/// How many items are saved at the same time.
const AT_ONCE: usize = 8;

/// What was done for one item.
enum Fate {
    Made,
    Saved,
    Unchanged,
    LeftAlone,
}

/// An item, after it was handled or not.
struct Handled {
    /// The objects that are the item's, as far as that is known: none of them has vanished.
    listed: Vec<ObjectKey>,
    /// Whether it is known.
    is_known: bool,
    fate: Result<Fate, StoreError>,
}

impl<T: Model> Listing<'_, T> {
    /// Carries the listing out; its objects lie in the namespace `scope`, or in all.
    pub(super) async fn run<I: Sync>(
        &self,
        items: &[I],
        scope: Option<String>,
        namespace: &(impl Fn(&I) -> String + Sync),
        new: &(impl Fn(&I) -> T + Sync),
        update: &(impl Fn(&I, &mut T) + Sync),
    ) -> Result<Pulled, ListingError> {
        if let Some(scope) = scope.as_ref().filter(|scope| !self.ctx.store().watches(scope)) {
            return Err(StoreError::NotWatched(scope.clone()).into());
        }
        let mut handled = Vec::with_capacity(items.len());
        for some in items.chunks(AT_ONCE) {
            let each =
                some.iter().map(|item| self.one(namespace(item), new(item), |o: &mut T| update(item, o)).boxed());
            handled.extend(join_all(each).await);
        }
        let mut pulled = Pulled::default();
        let mut failures = Failures { items: items.len(), ..Failures::default() };
        let mut listed = HashSet::new();
        let mut all_known = true;
        for one in handled {
            listed.extend(one.listed);
            all_known &= one.is_known;
            match one.fate {
                Ok(fate) => pulled.count(&fate),
                Err(error) => failures.failed.add(error),
            }
        }
        if !self.keep {
            self.remove_vanished(&listed, (scope, all_known), &mut pulled, &mut failures).await?;
        }
        let is_whole = failures.failed.count == 0 && failures.undeleted.count == 0;
        if is_whole { Ok(pulled) } else { Err(ListingError::Partly(failures)) }
    }

    async fn one(&self, namespace: String, mut new: T, update: impl Fn(&mut T) + Send) -> Handled {
        update(&mut new);
        let unknown = |error| Handled { listed: vec![], is_known: false, fate: Err(error) };
        let key: Vec<_> = self.key.iter().map(String::as_str).collect();
        let object = new.to_object().map_err(StoreError::from);
        let keyed = object.and_then(|mut object| {
            let keyed = Keyed::of(self.ctx, &object, &key)?;
            keyed.name(&mut object);
            let object = self.placed(object, namespace)?;
            // Several objects of one key: which of them is the item's cannot be known, so none has vanished.
            let listed = keyed.all(self.ctx, &object)?.iter().map(|object| object.key()).collect::<Vec<_>>();
            Ok((object, keyed, listed))
        });
        let (object, keyed, mut listed) = match keyed {
            Ok(keyed) => keyed,
            // It lies outside: nothing in here is the item's.
            Err(error @ (StoreError::NotWatched(_) | StoreError::Elsewhere { .. })) => {
                return Handled { listed: vec![], is_known: true, fate: Err(error) };
            }
            Err(error) => return unknown(error),
        };
        let fate = self.find_or_create(object, &keyed, &mut listed, update).await;
        Handled { listed, is_known: true, fate }
    }

    /// Returns the object of an item in its namespace.
    fn placed(&self, mut object: Object, namespace: String) -> Result<Object, StoreError> {
        if object.meta.namespace.is_empty() {
            object.meta.namespace.clone_from(&namespace);
        }
        if object.meta.namespace != namespace {
            return Err(StoreError::Elsewhere { there: object.key(), here: namespace });
        }
        if !self.ctx.store().watches(&namespace) {
            return Err(StoreError::NotWatched(namespace));
        }
        object.set(XOS_MANAGED, Value::Bool(false));
        Ok(object)
    }

    async fn find_or_create(
        &self,
        object: Object,
        keyed: &Keyed,
        listed: &mut Vec<ObjectKey>,
        update: impl Fn(&mut T) + Send,
    ) -> Result<Fate, StoreError> {
        let found = match keyed.find(self.ctx, &object)? {
            Some(found) => (found, false),
            None => {
                if self.namespace.is_none()
                    && let Some(there) = keyed.elsewhere(self.ctx, &object)?
                {
                    return Err(StoreError::Elsewhere { there, here: object.meta.namespace });
                }
                match keyed.create(self.ctx, object).await {
                    Err(StoreError::BeingDeleted(key)) => {
                        listed.push(key);
                        return Ok(Fate::LeftAlone);
                    }
                    other => other?,
                }
            }
        };
        let (found, is_new) = found;
        listed.push(found.key());
        if is_new {
            return Ok(Fate::Made);
        }
        let mut found: T = self.ctx.hand_out(&found)?;
        if self.ctx.is_in_flight(&found) {
            return Ok(Fate::LeftAlone);
        }
        let before = found.meta().resource_version.clone();
        update(&mut found);
        self.ctx.save_with(&mut found, &self.how).await?;
        Ok(if found.meta().resource_version == before { Fate::Unchanged } else { Fate::Saved })
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
