//! What a registry has other than another one.

use std::collections::BTreeSet;
use std::sync::Arc;

use xos_steps::{DynPolicy, DynSyncStep};

use super::{Entry, Registry};

/// What a registry has other than the one before, by the names of models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// They are new.
    pub added: BTreeSet<String>,
    /// They are not there any more.
    pub removed: BTreeSet<String>,
    /// They are declared in another way.
    pub redefined: BTreeSet<String>,
    /// They are declared as before, and have another step, other policies or other finalizers, or others wait for them
    /// or do not any more.
    pub reassigned: BTreeSet<String>,
}

impl Difference {
    /// Returns what `new` has other than `old`.
    pub fn between(old: &Registry, new: &Registry) -> Self {
        let names = |registry: &Registry| registry.entries.keys().cloned().collect::<BTreeSet<_>>();
        let (before, after) = (names(old), names(new));
        let mut difference = Self {
            added: after.difference(&before).cloned().collect(),
            removed: before.difference(&after).cloned().collect(),
            ..Self::default()
        };
        for name in before.intersection(&after) {
            let (Some(was), Some(is)) = (old.get(name), new.get(name)) else { continue };
            if !was.model.is_declared_as(&is.model) {
                difference.redefined.insert(name.clone());
            } else if !is_handled_as(was, is) || old.is_external(name) != new.is_external(name) {
                difference.reassigned.insert(name.clone());
            }
        }
        difference
    }

    /// Returns the models whose objects rest until the change is made.
    pub(crate) fn resting(&self) -> impl Iterator<Item = &String> {
        self.added.iter().chain(&self.removed).chain(&self.redefined).chain(&self.reassigned)
    }

    /// Returns the models whose objects are listed anew.
    pub fn listed(&self) -> impl Iterator<Item = &String> {
        self.added.iter().chain(&self.redefined)
    }

    /// Returns the models whose watches end.
    pub fn unwatched(&self) -> impl Iterator<Item = &String> {
        self.removed.iter().chain(&self.redefined)
    }
}

/// Returns whether the objects of a model are handled in the same way.
fn is_handled_as(was: &Entry, is: &Entry) -> bool {
    let steps = match (&was.step, &is.step) {
        (None, None) => true,
        (Some(was), Some(is)) => is_same_step(was, is),
        _ => false,
    };
    let policies = was.policies.len() == is.policies.len()
        && was.policies.iter().zip(&is.policies).all(|(was, is)| is_same_policy(was, is));
    steps && policies && was.finalizers == is.finalizers && was.takes_along == is.takes_along
}

fn is_same_step(was: &Arc<dyn DynSyncStep>, is: &Arc<dyn DynSyncStep>) -> bool {
    let has_same_revision = || was.revision().is_some() && was.revision() == is.revision();
    Arc::ptr_eq(was, is) || (was.name() == is.name() && has_same_revision())
}

fn is_same_policy(was: &Arc<dyn DynPolicy>, is: &Arc<dyn DynPolicy>) -> bool {
    let has_same_revision = || was.revision().is_some() && was.revision() == is.revision();
    Arc::ptr_eq(was, is) || (was.name() == is.name() && has_same_revision())
}
