//! What a caller may do with objects: the models' access policies.

use std::sync::Arc;

use xos_model::policy::{Access, Aim, OWN_RIGHTS, Objects};
use xos_model::{Criterion, Fields, Object, ObjectKey, Query as Asked, Reference};
use xos_steps::Store;
use xos_xproto::ModelSet;

use super::Core;
use crate::caller::Caller;
use crate::error::ApiError;

/// The model whose objects are users, and the field that has the name by which one logs in.
const USER: (&str, &str) = ("User", "email");

/// The objects of a store, as policies see them.
pub(super) struct Stored<'a>(pub(super) &'a dyn Store);

impl Objects for Stored<'_> {
    fn models(&self) -> Arc<ModelSet> {
        self.0.models()
    }

    fn query(&self, query: &Asked) -> Vec<Arc<Object>> {
        self.0.query(query).unwrap_or_default()
    }

    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Option<Arc<Object>> {
        self.0.at(class, namespace, reference).ok()?.into_iter().next()
    }

    fn linked_back(&self, key: &ObjectKey, port: &str) -> Vec<Arc<Object>> {
        self.0.linked_back(key, port).unwrap_or_default()
    }
}

/// What a caller may do in one call.
pub(super) struct Rights<'a> {
    user: &'a str,
    /// None: everything.
    access: Option<Access<'a>>,
}

impl Rights<'_> {
    /// Returns whether the caller may do it with an object.
    pub(super) fn permit(&self, object: &Arc<Object>) -> bool {
        self.access.as_ref().is_none_or(|access| access.refusal(object).is_none())
    }

    /// Refuses what the caller may not do with an object.
    pub(super) fn check(&self, object: &Arc<Object>) -> Result<(), ApiError> {
        let Some(why) = self.access.as_ref().and_then(|access| access.refusal(object)) else { return Ok(()) };
        let what = object.status.id.map_or_else(|| "new object".to_owned(), |id| format!("object {id}"));
        Err(ApiError::Denied(format!("User {} cannot access {} {what} due to {why}", self.user, object.model)))
    }
}

impl Core {
    /// Returns what a caller may do with objects of a store.
    pub(super) fn rights<'a>(
        &self,
        caller: &'a Caller,
        objects: &'a Stored<'a>,
        aim: Aim,
    ) -> Result<Rights<'a>, ApiError> {
        let access = match caller.is_administrator {
            true => None,
            false => {
                let user = self.user(caller)?;
                if caller.is_synchronizer && !user.flag("is_admin") {
                    return Err(ApiError::Denied("only an administrator calls as a synchronizer".to_owned()));
                }
                Some(Access::of(objects, &self.options.namespace, &user, aim))
            }
        };
        Ok(Rights { user: &caller.user, access })
    }

    /// Refuses a caller that is no administrator.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn only_administrators(&self, caller: &Caller) -> Result<(), ApiError> {
        if caller.is_administrator || self.user(caller)?.flag("is_admin") {
            return Ok(());
        }
        Err(ApiError::Denied(format!("User {} is no administrator", caller.user)))
    }

    /// Refuses a change of what a user may do, if the caller is no administrator.
    pub(super) fn own_rights(&self, caller: &Caller, model: &str, changed: &Fields) -> Result<(), ApiError> {
        match OWN_RIGHTS.into_iter().find(|name| model == USER.0 && changed.get(name).is_some()) {
            Some(name) => self
                .only_administrators(caller)
                .map_err(|error| ApiError::Denied(format!("{error}: `{name}` of a User is set by administrators"))),
            None => Ok(()),
        }
    }

    /// Returns the object of the user that calls. One that has none, or several, is nobody: it has no rights of its own.
    fn user(&self, caller: &Caller) -> Result<Arc<Object>, ApiError> {
        let (model, field) = USER;
        let nobody = || Arc::new(Object::named(model, &self.options.namespace, ""));
        let has_users =
            self.store.models().get(model).is_some_and(|model| model.has_objects() && model.field(field).is_some());
        if !has_users {
            return Ok(nobody());
        }
        let mut query = Asked::of(model, Some(&self.options.namespace));
        query.criteria.push(Criterion::equal(field, caller.user.as_str().into()));
        let mut found = self.store.query(&query)?;
        let user = if found.len() == 1 { found.remove(0) } else { nobody() };
        let is_active = user.fields.get("is_active").is_none_or(|value| value == true);
        if !is_active {
            return Err(ApiError::Denied(format!("User {} is not active", caller.user)));
        }
        Ok(user)
    }
}
