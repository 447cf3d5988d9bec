//! Secrets of which objects take values (`passwordFrom: {secretKeyRef: …}`).
//!
//! Only names and versions of Secrets are kept. The hash of the versions is a part of the intent of their users, so a
//! Secret that has changed makes its users due. What is in a Secret is read when a step or policy is called, and kept no
//! longer than that.

mod stamping;
mod watch;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::json;
use xos_model::accept::Refusal;
use xos_model::secret::{SecretKey, secret_keys};
use xos_model::{Object, ObjectKey, SpecHash};
use xos_xproto::Model;

use crate::registry::Registry;

pub(crate) use stamping::Stamping;
pub use watch::{SECRETS, SecretWatch, secret_watches};

/// The namespace and the name of a Secret.
pub type SecretName = (String, String);
/// What is in a Secret, by key.
pub type SecretData = BTreeMap<String, Vec<u8>>;

/// What is seen of Secrets.
#[derive(Clone, Debug)]
pub enum SecretNews {
    /// All Secrets of a namespace, or of all, with their versions.
    Listed(Option<String>, BTreeMap<SecretName, String>),
    /// One is new, or has changed: its version.
    Changed(SecretName, String),
    /// One is gone.
    Gone(SecretName),
    /// The right to see those of a namespace, or of all, is missing.
    Forbidden(Option<String>),
}

/// The versions of all Secrets, and who uses them. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Secrets {
    /// Whether objects of any model may take values from Secrets.
    are_used: Arc<AtomicBool>,
    /// The namespaces whose Secrets are seen; none: all.
    scopes: Arc<BTreeSet<Option<String>>>,
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    /// Of which namespaces (none: of all) nothing is known yet.
    missing: BTreeSet<Option<String>>,
    /// Of which the right to see them is missing.
    forbidden: BTreeSet<Option<String>>,
    versions: HashMap<SecretName, String>,
    users: HashMap<SecretName, BTreeSet<ObjectKey>>,
}

/// Returns whether objects of any model may take values from Secrets.
pub(crate) fn are_used(registry: &Registry) -> bool {
    registry.entries().any(|entry| entry.model.secret_sources().next().is_some())
}

impl Secrets {
    /// Returns what is known before any Secret is seen in these namespaces (none given: in all).
    pub(crate) fn of(registry: &Registry, namespaces: &[String]) -> Self {
        let mut scopes: BTreeSet<_> = namespaces.iter().cloned().map(Some).collect();
        if scopes.is_empty() {
            scopes.insert(None);
        }
        let secrets = Self { are_used: Arc::default(), scopes: Arc::new(scopes), known: Arc::default() };
        secrets.serve(registry);
        secrets
    }

    /// Takes in that this registry is in use. If its objects are the first that may take values from Secrets, nothing is
    /// known of these yet.
    pub(crate) fn serve(&self, registry: &Registry) {
        let are_used = are_used(registry);
        let were_used = self.are_used.swap(are_used, Ordering::Relaxed);
        match (were_used, are_used) {
            (false, true) => self.write().missing.clone_from(&self.scopes),
            (true, false) => *self.write() = Known::default(),
            _ => {}
        }
    }

    /// Returns whether objects of any model may take values from Secrets.
    pub(crate) fn are_used(&self) -> bool {
        self.are_used.load(Ordering::Relaxed)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether all Secrets are known, as far as they may be seen.
    pub(crate) fn are_known(&self) -> bool {
        self.read().missing.is_empty()
    }

    /// Takes news in, and returns the objects that they are for.
    pub(crate) fn take_in(&self, news: SecretNews) -> BTreeSet<ObjectKey> {
        let mut known = self.write();
        let known = &mut *known;
        let changed: Vec<SecretName> = match news {
            SecretNews::Listed(namespace, versions) => {
                // A list of all is one of each namespace.
                let is_covered = |scope: &Option<String>| namespace.is_none() || *scope == namespace;
                known.missing.retain(|scope| !is_covered(scope));
                known.forbidden.retain(|scope| !is_covered(scope));
                let is_there = |name: &SecretName| namespace.as_ref().is_none_or(|here| *here == name.0);
                known.versions.retain(|name, _| !is_there(name));
                known.versions.extend(versions);
                known.users.keys().filter(|name| is_there(name)).cloned().collect()
            }
            SecretNews::Changed(name, version) => {
                known.versions.insert(name.clone(), version);
                vec![name]
            }
            SecretNews::Gone(name) => {
                known.versions.remove(&name);
                vec![name]
            }
            SecretNews::Forbidden(namespace) => {
                known.missing.remove(&namespace);
                let is_there = |name: &&SecretName| namespace.as_ref().is_none_or(|here| *here == name.0);
                let users = known.users.keys().filter(is_there).cloned().collect();
                // It is told with each attempt to watch them.
                if !known.forbidden.insert(namespace) {
                    return BTreeSet::new();
                }
                users
            }
        };
        changed.iter().filter_map(|name| known.users.get(name)).flatten().cloned().collect()
    }

    /// Notes the Secrets that an object uses.
    pub(crate) fn note(&self, model: &Model, key: &ObjectKey, object: &Object) {
        let used = self.used(model, object);
        if used.is_empty() {
            return;
        }
        let mut known = self.write();
        for name in used {
            known.users.entry(name).or_default().insert(key.clone());
        }
    }

    /// Forgets an object that is gone.
    pub(crate) fn forget(&self, key: &ObjectKey) {
        let is_user = self.read().users.values().any(|users| users.contains(key));
        if is_user {
            self.write().users.retain(|_, users| {
                users.remove(key);
                !users.is_empty()
            });
        }
    }

    /// Returns the hash of the versions of the Secrets that an object uses, if it uses any.
    pub(crate) fn hash(&self, model: &Model, object: &Object) -> Option<SpecHash> {
        let used = self.used(model, object);
        if used.is_empty() {
            return None;
        }
        let known = self.read();
        let versions: Vec<_> = used.iter().map(|name| known.versions.get(name)).collect();
        Some(SpecHash::of(&json!(versions)))
    }

    /// Returns why an object has to wait for a Secret, if it does. It is looked at again when the Secret comes.
    pub(crate) fn refusal(&self, model: &Model, object: &Object) -> Option<Refusal> {
        let keys = self.keys(model, object);
        if keys.is_empty() {
            return None;
        }
        let known = self.read();
        let namespace = &object.meta.namespace;
        let missing = keys.iter().find(|one| !known.versions.contains_key(&(namespace.clone(), one.name.clone())));
        let (because_of, because_of_classes) = ([].into(), [].into());
        if known.forbidden.iter().any(|of| of.as_ref().is_none_or(|of| of == namespace)) {
            let message =
                "the controller may not read Secrets: give its ServiceAccount the rights to get, list and watch \
                           secrets"
                    .to_owned();
            return Some(Refusal { reason: "SecretsForbidden", message, because_of, because_of_classes });
        }
        let message = missing
            .map(|one| format!("there is no Secret {namespace}/{}, from which {} comes", one.name, one.field))?;
        Some(Refusal { reason: "NoSecret", message, because_of, because_of_classes })
    }

    /// Returns the Secrets that an object uses.
    fn used(&self, model: &Model, object: &Object) -> BTreeSet<SecretName> {
        let keys = self.keys(model, object).into_iter();
        keys.map(|one| (object.meta.namespace.clone(), one.name)).collect()
    }

    /// Returns the keys of Secrets that an object uses. It is asked with every event, and mostly no model has any.
    fn keys(&self, model: &Model, object: &Object) -> Vec<SecretKey> {
        if self.are_used() { secret_keys(model, &object.fields) } else { vec![] }
    }
}
