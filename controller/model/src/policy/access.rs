//! Who may do what: the policies that models have after `::`.

use std::sync::Arc;

use xos_xproto::{Model, ModelSet};

use super::{Evaluator, Objects, Purpose, Scope};
use crate::object::Object;

/// The fields of a `User` that only an administrator sets, of whichever user: they are rights.
pub const OWN_RIGHTS: [&str; 5] = ["is_admin", "is_staff", "is_appuser", "is_active", "is_readonly"];

/// What somebody wants to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// To see it.
    Read,
    /// To make, change or delete it.
    Write,
}

/// What one user may do, in one call. Objects of quantifiers (privileges) are looked up once.
pub struct Access<'a> {
    evaluator: Evaluator<'a>,
    aim: Aim,
    is_administrator: bool,
    is_readonly: bool,
}

impl<'a> Access<'a> {
    /// Returns what a user may do: an object of the model `User`. Quantifiers are about the objects of `namespace`.
    pub fn of(objects: &'a dyn Objects, namespace: &str, user: &Arc<Object>, aim: Aim) -> Self {
        let purpose = Purpose::Access { user: Some(Arc::clone(user)), aim };
        Self {
            evaluator: Evaluator::new(objects, namespace, purpose),
            aim,
            is_administrator: user.flag("is_admin"),
            is_readonly: user.flag("is_readonly"),
        }
    }

    /// Returns due to what the user may not do it with an object; none, if it may.
    ///
    /// The model's own policy decides, or else that of the nearest model that it inherits from. Where there is none, everybody
    /// may read; everybody may write what a service has declared, and administrators what comes with the core. What cannot
    /// be known (Python, a link to nothing) permits nothing. Administrators may do everything.
    pub fn refusal(&self, object: &Arc<Object>) -> Option<String> {
        if self.is_readonly && self.aim == Aim::Write {
            return Some("`is_readonly` of the user".to_owned());
        }
        if self.is_administrator {
            return None;
        }
        let models = self.evaluator.models();
        let Some(model) = models.get(&object.model) else { return Some("its model, which is not known".to_owned()) };
        let Some(name) = policy_of(models, model) else {
            let is_free = self.aim == Aim::Read || !model.is_built_in();
            return (!is_free).then(|| "the rule that administrators write the core's models".to_owned());
        };
        let policy = models.policy(name);
        let holds = policy.and_then(|policy| self.evaluator.holds(&policy.expr, &Scope::of(Arc::clone(object))));
        (holds != Some(true)).then(|| format!("policy {name}"))
    }
}

/// Returns the policy that governs access to the objects of a model.
fn policy_of<'m>(models: &'m ModelSet, model: &'m Model) -> Option<&'m str> {
    model.ancestry.iter().find_map(|name| models.get(name)?.access_policy.as_deref())
}

#[cfg(test)]
mod tests;
