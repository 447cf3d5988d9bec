//! An API server in memory, for tests of steps: it keeps objects as the real one does (uids, resourceVersions,
//! generations, finalizers, conflicts), shows every change as a watch would, records who did what, and fails on demand.

mod definitions;
mod events;
mod operator;
mod writer;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use xos_crds::SpecSchema;
use xos_model::save::difference;
use xos_model::typed::constant;
use xos_model::{Fields, Intent, Name, Object, ObjectKey, SpecHash};
use xos_xproto::Model;

use crate::clock::Clock;
use crate::events::RecentEvents;
use crate::registry::{Entry, LiveRegistry, Registry};
use crate::secrets::{SecretData, SecretName, SecretNews};
use crate::watch::{WatchEvent, WatchId};
use crate::writer::{WriteError, in_status};

/// The finalizer of an object that is deleted with `--cascade=orphan`.
const ORPHAN: &str = "orphan";

/// What was done to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub what: ChangeKind,
    /// The object.
    pub object: ObjectKey,
    /// The step or policy that did it; empty for the framework's own writes.
    pub who: String,
    /// The fields that changed, by their names in xproto.
    pub fields: Vec<String>,
}

/// Kinds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// It was made.
    Created,
    /// Spec was saved, quietly.
    Spec,
    /// Spec was saved or not, and another run was asked for.
    Touched,
    /// Status was written.
    Status,
    /// What status says of the backend was kept in an annotation.
    Kept,
    /// Finalizers were set or taken away.
    Finalizers,
    /// Annotations were set or taken away.
    Annotated,
    /// Its deletion was asked for.
    Deleted,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = if self.who.is_empty() { String::new() } else { format!(" by {}", self.who) };
        write!(f, "{:?} {}{by}: {}", self.what, self.object, self.fields.join(", "))
    }
}

/// How a write fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The API server refuses the write with this text, as admission and quotas do; nothing is written.
    Refused(String),
    /// The API server answers with this text that it cannot write now; nothing is written.
    Unavailable(String),
    /// The object was changed meanwhile.
    Conflict,
    /// The write takes effect, and its answer is lost.
    LostAnswer,
}

/// A write that a [`Fault`] made fail.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Injected(String);

/// An API server in memory. Clones are the same one.
#[derive(Clone)]
pub struct MemoryApi {
    /// The definitions that it serves.
    registry: LiveRegistry,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<ObjectKey, Object>,
    version: u64,
    changes: Vec<Change>,
    faults: VecDeque<Fault>,
    /// Why no status can be written, if none can.
    status_fault: Option<String>,
    recent: RecentEvents,
    /// The schemas of models, made when they are first needed.
    schemas: HashMap<String, SpecSchema>,
    events: Vec<String>,
    /// The version and the content of each Secret, by namespace and name.
    secrets: BTreeMap<SecretName, (String, SecretData)>,
    watchers: Vec<UnboundedSender<WatchEvent>>,
}

impl State {
    fn show(&mut self, event: &WatchEvent) {
        // Those that do not watch any more are forgotten.
        self.watchers.retain(|watcher| watcher.send(event.clone()).is_ok());
    }
}

impl fmt::Debug for MemoryApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryApi").field("objects", &self.state().objects.len()).finish_non_exhaustive()
    }
}

impl MemoryApi {
    /// Returns an API server without objects, and what its watches show.
    pub fn new(registry: Arc<Registry>, clock: Arc<dyn Clock>) -> (Self, UnboundedReceiver<WatchEvent>) {
        let api = Self { registry: LiveRegistry::new(registry), clock, state: Arc::default() };
        let shown = api.watch();
        (api, shown)
    }

    /// Watches from now on, as a controller does that was started anew: all that there is, then every change.
    pub fn watch(&self) -> UnboundedReceiver<WatchEvent> {
        let (watcher, shown) = unbounded_channel();
        let mut state = self.state();
        let registry = self.registry.now();
        let begin = WatchId::all(&registry, &[]).map(WatchEvent::Init);
        let all = state.objects.values().cloned().map(|object| WatchEvent::InitApply(Box::new(object)));
        let end = WatchId::all(&registry, &[]).map(|watch| WatchEvent::InitDone(watch, state.version.to_string()));
        for event in begin.chain(all).chain(end) {
            // The receiver is here.
            let _ = watcher.send(event);
        }
        let versions = state.secrets.iter().map(|(name, (version, _))| (name.clone(), version.clone()));
        let listed = SecretNews::Listed(None, versions.collect());
        let _ = watcher.send(WatchEvent::Secrets(listed));
        state.watchers.push(watcher);
        drop(state);
        shown
    }

    /// Stores an object just as it is, with whatever somebody else has made of it, and a new resourceVersion.
    pub fn put(&self, object: Object) {
        Self::store(&mut self.state(), object);
    }

    /// Sets a key of a Secret, as an operator does.
    pub fn put_secret(&self, namespace: &str, name: &str, key: &str, value: &str) {
        let mut state = self.state();
        state.version += 1;
        let version = state.version.to_string();
        let of = (namespace.to_owned(), name.to_owned());
        let secret = state.secrets.entry(of.clone()).or_default();
        secret.0.clone_from(&version);
        secret.1.insert(key.to_owned(), value.as_bytes().to_vec());
        state.show(&WatchEvent::Secrets(SecretNews::Changed(of, version)));
    }

    /// Deletes a Secret, as an operator does.
    pub fn remove_secret(&self, namespace: &str, name: &str) {
        let mut state = self.state();
        let of = (namespace.to_owned(), name.to_owned());
        state.secrets.remove(&of);
        state.show(&WatchEvent::Secrets(SecretNews::Gone(of)));
    }

    /// Stores an object like [`put`](Self::put), without the watches showing it: they are late.
    pub fn put_unseen(&self, mut object: Object) {
        let mut state = self.state();
        state.version += 1;
        object.meta.resource_version = state.version.to_string();
        state.objects.insert(object.key(), object);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns an object as it is now.
    pub fn get(&self, key: &ObjectKey) -> Option<Object> {
        self.state().objects.get(key).cloned()
    }

    /// Returns all objects.
    pub fn objects(&self) -> Vec<Object> {
        self.state().objects.values().cloned().collect()
    }

    /// Returns what steps and the framework have done since the last call.
    pub fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.state().changes)
    }

    /// Returns the events that were sent since the last call, as `Warning SyncFailed: no route (Site default/rome)`.
    pub fn take_events(&self) -> Vec<String> {
        std::mem::take(&mut self.state().events)
    }

    /// Lets the next write fail in this way; called again, the one after it.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    /// Lets every write of a status fail with this text, as long as there is one; other writes succeed.
    pub fn refuse_status(&self, text: Option<&str>) {
        self.state().status_fault = text.map(str::to_owned);
    }

    fn mark_deleted(&self, state: &mut State, mut object: Object) -> Object {
        object.meta.deleting.get_or_insert_with(|| self.clock.now());
        Self::store(state, object)
    }

    /// Stores an object and shows it; one that is being deleted and has no finalizers goes.
    fn store(state: &mut State, mut object: Object) -> Object {
        state.version += 1;
        object.meta.resource_version = state.version.to_string();
        let key = object.key();
        if object.meta.deleting.is_some() && object.meta.finalizers.is_empty() {
            state.objects.remove(&key);
            state.show(&WatchEvent::Delete(key, object.meta.uid.clone()));
        } else {
            state.objects.insert(key, object.clone());
            state.show(&WatchEvent::Apply(Box::new(object.clone())));
        }
        object
    }

    fn insert(&self, state: &mut State, entry: &Entry, new: &Object, by: By) -> Object {
        let mut object = Object::named(&new.model, &new.meta.namespace, &new.meta.name);
        let spec = new.fields.iter().filter(|(name, _)| !in_status(&entry.model, name));
        object.fields = spec.map(|(name, value)| (name.clone(), value.clone())).collect();
        let given: Vec<_> = object.fields.keys().cloned().collect();
        for (name, default) in defaults(&entry.model) {
            if !object.fields.contains_key(&name) {
                object.fields.insert(name, default);
            }
        }
        object.intent =
            Intent { spec: SpecHash::of(&serde_json::Value::Null), touch: new.intent.touch.clone(), secrets: None };
        xos_crds::rehash(&entry.model, &mut object);
        object.meta.uid = format!("uid-{}", state.version + 1);
        object.meta.generation = 1;
        object.meta.created = Some(self.clock.now());
        object.meta.edited = Some(self.clock.now());
        object.status.id = new.status.id;
        object.meta.has_unshown_id = new.status.id.is_some();
        if by != By::Synchronizer {
            own(&mut object, given.iter(), true);
        }
        if by == By::Operator {
            object.meta.finalizers.clone_from(&new.meta.finalizers);
            object.meta.annotations.clone_from(&new.meta.annotations);
            object.quiet_saves.clone_from(&new.quiet_saves);
            xos_crds::recall(&entry.model, &object.meta, &mut object.fields);
        } else {
            object.meta.finalizers = entry.finalizers.all().cloned().collect();
        }
        Self::store(state, object)
    }

    fn note(state: &mut State, what: ChangeKind, object: &Object, who: &str, fields: &Fields) {
        let fields = fields.keys().map(ToString::to_string).collect();
        state.changes.push(Change { what, object: object.key(), who: who.to_owned(), fields });
    }

    /// Carries out a write of a synchronizer to an object that is there, if `exact` only if it is unchanged since it
    /// was read.
    fn write(
        &self,
        (what, who): (ChangeKind, &str),
        old: &Object,
        exact: bool,
        change: impl FnOnce(&mut Object),
    ) -> Result<Object, WriteError> {
        let mut state = self.state();
        let fault = fault(&mut state)?;
        if let Some(text) = state.status_fault.as_ref().filter(|_| what == ChangeKind::Status) {
            return Err(WriteError::Unavailable(text.clone()));
        }
        let there = state.objects.get(&old.key()).filter(|there| there.meta.uid == old.meta.uid).cloned();
        let there = there.ok_or(WriteError::Gone)?;
        if exact && there.meta.resource_version != old.meta.resource_version {
            return Err(WriteError::Conflict);
        }
        let mut new = there.clone();
        change(&mut new);
        // As on the real one, nothing of Secrets is kept with an object.
        new.intent.secrets = None;
        if new == there {
            return Ok(there);
        }
        Self::note(&mut state, what, &new, who, &difference(&there.fields, &new.fields));
        let mut written =
            if what == ChangeKind::Deleted { self.mark_deleted(&mut state, new) } else { Self::store(&mut state, new) };
        if !state.objects.contains_key(&written.key()) {
            // As the real one answers when the last finalizer goes.
            written.meta.resource_version.clone_from(&there.meta.resource_version);
        }
        if fault { Err(lost()) } else { Ok(written) }
    }
}

/// Who makes an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// An operator, with the tools of Kubernetes.
    Operator,
    /// A user of XOS's API.
    Client,
    Synchronizer,
}

/// Takes the next fault, if there is one. Returns whether the answer to this write is lost.
fn fault(state: &mut State) -> Result<bool, WriteError> {
    match state.faults.pop_front() {
        None => Ok(false),
        Some(Fault::LostAnswer) => Ok(true),
        Some(Fault::Conflict) => Err(WriteError::Conflict),
        Some(Fault::Refused(text)) => Err(WriteError::Refused(text)),
        Some(Fault::Unavailable(text)) => Err(WriteError::Unavailable(text)),
    }
}

fn lost() -> WriteError {
    WriteError::Other(Box::new(Injected("the answer was lost".to_owned())))
}

/// Notes who last set fields of spec: an operator, or a synchronizer.
fn own<'a>(object: &mut Object, fields: impl Iterator<Item = &'a Name>, by_operator: bool) {
    for field in fields {
        object.meta.operator_fields.retain(|name| **name != **field);
        if by_operator {
            object.meta.operator_fields.push((**field).into());
        }
    }
}

/// Returns the constant defaults that a definition gives to fields of spec.
fn defaults(model: &Model) -> impl Iterator<Item = (String, serde_json::Value)> + '_ {
    let declarative = model.fields.iter().filter(|field| !in_status(model, &field.name) && !field.secret);
    declarative.filter_map(|field| Some((field.name.clone(), constant(field.default.as_ref()?)?)))
}
