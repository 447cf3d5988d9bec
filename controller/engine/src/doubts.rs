//! What may have been tried without being recorded: by a controller that ended in between, or with a write that did not succeed.
//!
//! An object whose spec is changed and changed back looks as if nothing had happened, while its step may have run on what was there in
//! between. So a pass is trusted to be where status says only if no attempt can have followed.

use std::collections::{HashMap, HashSet};

use xos_model::dirty::is_in_doubt;
use xos_model::{Object, ObjectKey, Pass};

const PASSES: [Pass; 2] = [Pass::Policy, Pass::Sync];

/// Which passes of an object are in doubt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    /// The policies.
    pub policy: bool,
    /// The step.
    pub sync: bool,
}

/// The passes in doubt of all objects.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// By uid.
    passes: HashSet<(String, Pass)>,
    /// What is being tried in this turn of an object.
    trying: HashMap<ObjectKey, Vec<(String, Pass)>>,
}

impl Doubts {
    /// Which passes of an object are in doubt.
    pub(crate) fn of(&self, uid: &str) -> Doubt {
        let is = |pass| !self.passes.is_empty() && self.passes.contains(&(uid.to_owned(), pass));
        Doubt { policy: is(Pass::Policy), sync: is(Pass::Sync) }
    }

    /// An object is found that an earlier controller may have had in hands.
    pub(crate) fn found(&mut self, object: &Object, synchronizer: &str) {
        let in_doubt = PASSES.into_iter().filter(|pass| is_in_doubt(object, synchronizer, *pass));
        self.passes.extend(in_doubt.map(|pass| (object.meta.uid.clone(), pass)));
    }

    /// A pass is tried.
    pub(crate) fn tries(&mut self, key: &ObjectKey, uid: &str, pass: Pass) {
        self.passes.insert((uid.to_owned(), pass));
        self.trying.entry(key.clone()).or_default().push((uid.to_owned(), pass));
    }

    /// An object's turn ended, and what was tried in it is recorded or not.
    pub(crate) fn ended(&mut self, key: &ObjectKey, is_recorded: bool) {
        for pass in self.trying.remove(key).unwrap_or_default() {
            if is_recorded {
                self.passes.remove(&pass);
            }
        }
    }

    /// An object is gone.
    pub(crate) fn forget(&mut self, uid: &str) {
        if !self.passes.is_empty() {
            for pass in PASSES {
                self.passes.remove(&(uid.to_owned(), pass));
            }
        }
    }
}
