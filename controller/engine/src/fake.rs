//! A world for the engine's tests: objects, a writer that keeps them as an API server does, a clock that tokio's paused time turns.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::mpsc;
use xos_model::record::rebase;
use xos_model::{Intent, Meta, Object, ObjectKey, SpecHash, Status};
use xos_xproto::{ModelSet, Sources, compile};

use crate::clock::Clock;
use crate::registry::Entry;
use crate::watch::Notice;
use crate::writer::{SpecSave, WriteError, Writer, Written};

/// An object of model `MyModel` in namespace `default`, as it was just created.
pub(crate) fn object(name: &str) -> Object {
    Object {
        model: "MyModel".into(),
        meta: Meta {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            uid: format!("uid-of-{name}"),
            resource_version: "1".to_owned(),
            generation: 1,
            created: Some(Timestamp::UNIX_EPOCH),
            ..Meta::default()
        },
        fields: [("first_name".to_owned(), json!(name))].into(),
        intent: Intent { spec: SpecHash::of(&json!(name)), touch: None },
        quiet_saves: vec![],
        status: Status::default(),
    }
}

/// The model set with `MyModel`.
pub(crate) fn models() -> ModelSet {
    let mut sources = Sources::new();
    let text = "option app_label = \"example\";\nmessage MyModel (XOSBase) { required string first_name = 1 [max_length = 32]; \
        optional manytoone boss->MyModel:staff = 2:1001; optional string seen = 3 [max_length = 99, feedback_state = True]; }";
    sources.add("mymodel.xproto", text);
    compile(&sources).models
}

/// A clock that goes with tokio's (paused) time.
pub(crate) struct TokioClock(pub(crate) tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.0.elapsed()).unwrap();
        Timestamp::from_second(1_000_000).unwrap() + elapsed
    }
}

/// The fields of spec in the models here.
const SPEC: [&str; 6] = ["first_name", "no_sync", "no_policy", "write_protect", "lazy_blocked", "boss"];

/// An API server in memory. Writes are shown to the engine, as a watch would.
#[derive(Clone)]
pub(crate) struct World {
    state: Arc<Mutex<State>>,
    notices: mpsc::Sender<Notice>,
}

#[derive(Default)]
struct State {
    objects: HashMap<ObjectKey, Object>,
    version: u64,
    writes: Vec<String>,
    /// How many writes are refused from now on.
    refuse: usize,
}

impl World {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Notice>) {
        let (notices, receiver) = mpsc::channel(1000);
        (Self { state: Arc::default(), notices }, receiver)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Object> {
        self.state().objects.get(&object(name).key()).cloned()
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        self.state().writes.clone()
    }

    pub(crate) fn refuse(&self, times: usize) {
        self.state().refuse = times;
    }

    /// A change from outside.
    pub(crate) async fn put(&self, mut object: Object) {
        let notice = {
            let mut state = self.state();
            state.version += 1;
            object.meta.resource_version = state.version.to_string();
            state.objects.insert(object.key(), object.clone());
            Notice::Seen(0, Box::new(object))
        };
        self.notices.send(notice).await.unwrap();
    }

    /// A change that the watch shows later: with the next call of [`World::put`].
    pub(crate) fn put_unseen(&self, mut object: Object) {
        let mut state = self.state();
        state.version += 1;
        object.meta.resource_version = state.version.to_string();
        state.objects.insert(object.key(), object);
    }

    /// An operator's edit.
    pub(crate) async fn edit(&self, name: &str, edit: impl FnOnce(&mut Object)) {
        let mut object = self.get(name).unwrap();
        edit(&mut object);
        self.put(object).await;
    }

    fn make(&self, entry: &Entry, new: &Object) -> Result<Object, WriteError> {
        let mut state = self.state();
        if state.objects.contains_key(&new.key()) {
            return Err(WriteError::Exists);
        }
        state.version += 1;
        let spec = new.fields.iter().filter(|(name, _)| SPEC.contains(&name.as_str()));
        let mut object =
            Object { fields: spec.map(|(name, value)| (name.clone(), value.clone())).collect(), ..new.clone() };
        object.intent.spec = xos_crds::spec_hash(&entry.model, &object.fields);
        object.meta.uid = format!("uid-{}-{}", new.meta.name, state.version);
        object.meta.resource_version = state.version.to_string();
        object.meta.generation = 1;
        object.meta.finalizers = entry.finalizers.all().cloned().collect();
        state.writes.push(format!("create {}", object.meta.name));
        state.objects.insert(object.key(), object.clone());
        self.notices.try_send(Notice::Seen(0, Box::new(object.clone()))).unwrap();
        Ok(object)
    }

    fn write(
        &self,
        what: &str,
        old: &Object,
        exact: bool,
        change: impl FnOnce(&mut Object),
    ) -> Result<Object, WriteError> {
        let mut state = self.state();
        if state.refuse > 0 {
            state.refuse -= 1;
            return Err(WriteError::Json(serde_json::from_str::<()>("refused").unwrap_err()));
        }
        let mut object = state.objects.get(&old.key()).cloned().ok_or(WriteError::Gone)?;
        if exact && object.meta.resource_version != old.meta.resource_version {
            return Err(WriteError::Conflict);
        }
        state.version += 1;
        object.meta.resource_version = state.version.to_string();
        change(&mut object);
        state.writes.push(format!("{what} {}", object.meta.name));
        let gone = object.meta.deleting.is_some() && object.meta.finalizers.is_empty();
        let notice = if gone {
            state.objects.remove(&object.key());
            let notice = Notice::Gone(object.key(), object.meta.uid.clone());
            // As the real one answers.
            object.meta.resource_version.clone_from(&old.meta.resource_version);
            notice
        } else {
            state.objects.insert(object.key(), object.clone());
            Notice::Seen(0, Box::new(object.clone()))
        };
        self.notices.try_send(notice).unwrap();
        Ok(object)
    }
}

impl Writer for World {
    fn set_finalizers<'a>(&'a self, _: &'a Entry, object: &'a Object, finalizers: &'a [String]) -> Written<'a> {
        let result = self.write("finalizers", object, true, |o| o.meta.finalizers = finalizers.to_vec());
        async { result }.boxed()
    }

    fn save_spec<'a>(&'a self, entry: &'a Entry, object: &'a Object, save: &'a SpecSave, _: &'a str) -> Written<'a> {
        let result = self.write("spec", object, true, |o| {
            for (field, value) in &save.spec {
                o.set(field, value.clone());
            }
            if !save.spec.is_empty() {
                o.quiet_saves = save.saves.clone();
                o.intent.spec = xos_crds::spec_hash(&entry.model, &o.fields);
                o.meta.generation += 1;
            }
            if save.touch.is_some() {
                o.intent.touch.clone_from(&save.touch);
            }
        });
        async { result }.boxed()
    }

    fn create<'a>(&'a self, entry: &'a Entry, object: &'a Object, _: &'a str) -> Written<'a> {
        let result = self.make(entry, object);
        async { result }.boxed()
    }

    fn read<'a>(&'a self, _: &'a Entry, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Object>, WriteError>> {
        let read = self.state().objects.get(key).cloned();
        async { Ok(read) }.boxed()
    }

    fn write_status<'a>(&'a self, _: &'a Entry, before: &'a Object, after: &'a Object) -> Written<'a> {
        let result = self.write("status", before, false, |o| {
            *o = rebase(before, after, o, "me", |name| !SPEC.contains(&name));
        });
        async { result }.boxed()
    }

    fn delete<'a>(&'a self, _: &'a Entry, object: &'a Object, exact: bool) -> Written<'a> {
        let now = object.meta.deleting.unwrap_or(Timestamp::UNIX_EPOCH);
        let result = self.write("delete", object, exact, |o| o.meta.deleting = Some(now));
        let result = result.and_then(|o| if o.meta.finalizers.is_empty() { Err(WriteError::Gone) } else { Ok(o) });
        async { result }.boxed()
    }
}
