//! The store of the steps: queries are answered from the view, saves go to the API server and at once into the view.

mod by_client;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc::UnboundedSender;
use xos_model::graph::Standing;
use xos_model::record::{is_news, mark_changed, settle_ready};
use xos_model::save::{Changes, changes, merge};
use xos_model::xproto::{FieldState, Model, ModelSet};
use xos_model::{Fields, Object, ObjectKey, Query, QueryError, QuietSave, Reference, intent, queried};
use xos_steps::store::{Annotations, Stored};
use xos_steps::{Properties, Save, Saver, Store, StoreError};

use crate::clock::Clock;
use crate::duty::standing;
use crate::registry::Entry;
use crate::view::{Origin, SharedView, TakenIn};
use crate::writer::{SpecSave, WriteError, Writer, is_kept, kept};

/// How often a save is tried again because the object was changed meanwhile.
const TRIES: u32 = 8;
/// The pause between two tries; it grows with each.
const PAUSE: Duration = Duration::from_millis(5);

/// What a step did to an object, for the engine. The view knows it already.
#[derive(Debug)]
pub(crate) enum StoreEvent {
    /// It was created, read or saved, or is being deleted.
    TakenIn(TakenIn),
    /// It is gone.
    Gone(ObjectKey),
    /// Not what a step did: what this object waits for has come, or has changed.
    Awaited(ObjectKey),
    /// The same of what the engine does not see: the step of the object is to run again.
    Again(ObjectKey),
}

/// The store behind every step's context.
#[derive(Clone)]
pub(crate) struct LiveStore {
    pub(crate) writer: Arc<dyn Writer>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) view: SharedView,
    pub(crate) namespaces: Vec<String>,
    pub(crate) events: UnboundedSender<StoreEvent>,
}

impl LiveStore {
    /// Returns the same store with another writer.
    pub(crate) fn writing_by(self, writer: Arc<dyn Writer>) -> Self {
        Self { writer, ..self }
    }

    fn entry(&self, model: &str) -> Result<Arc<Entry>, StoreError> {
        let registry = self.view.registry();
        queried(&registry.models, model)?;
        Ok(registry.get(model).cloned().ok_or_else(|| QueryError::UnknownModel(model.to_owned()))?)
    }

    /// Takes an object into the view, unless no watch would ever show it.
    fn take_in(&self, object: Object, origin: Origin) -> Arc<Object> {
        let object = Arc::new(object);
        if self.watches(&object.meta.namespace)
            && let Some(taken) = self.view.take_in(Arc::clone(&object), origin)
        {
            self.send(StoreEvent::TakenIn(taken));
        }
        object
    }

    /// At shutdown the engine no longer listens; after the next start it sees everything anew.
    fn send(&self, event: StoreEvent) {
        let _ = self.events.send(event);
    }

    fn forget(&self, object: &Object) {
        let key = object.key();
        if self.view.release(&key, &object.meta.uid) {
            self.send(StoreEvent::Gone(key));
        }
    }

    async fn make(&self, by: &Saver, object: Object) -> Result<Arc<Object>, StoreError> {
        let entry = &self.entry(&object.model)?;
        // Until the view has it, whatever comes between.
        let in_flight = self.view.unanswered.sending(&object);
        let created = match self.writer.create(entry, &object, &by.step).await {
            Err(error) if error.may_have_taken_effect() => return Err(failed(&object, "cannot be made", error)),
            Err(error) => {
                in_flight.answered();
                return Err(match error {
                    WriteError::Exists => StoreError::AlreadyExists(object.key()),
                    error => failed(&object, "cannot be made", error),
                });
            }
            Ok(created) => created,
        };
        // Feedback is status, which a create request does not take.
        let feedback = object.fields.into_iter().filter(|(name, _)| is_feedback(&entry.model, name));
        let mut after = created.clone();
        after.fields.extend(feedback);
        let stored = if after == created { created } else { self.write_status(entry, &created, &after).await? };
        let made = self.take_in(stored, Origin::Created);
        in_flight.answered();
        Ok(made)
    }

    async fn write_status(&self, entry: &Entry, before: &Object, after: &Object) -> Result<Object, StoreError> {
        let written = self.writer.write_status(entry, before, after).await;
        written.map_err(|error| failed(before, "its status cannot be saved", error))
    }

    async fn save_changes(
        &self,
        by: &Saver,
        base: &Arc<Object>,
        changed: &Fields,
        how: &Save,
    ) -> Result<Arc<Object>, StoreError> {
        let entry = &self.entry(&base.model)?;
        // Who works through XOS's API has bookkeeping of its own, where nobody here has any.
        let is_clients = by.is_client() && entry.step.is_none() && entry.policies.is_empty();
        let (bookkeeping, changed) = by_client::parts(by, changed);
        let known = self.view.get_same(&base.key(), &base.meta.uid);
        let mut current = known.unwrap_or_else(|| Arc::clone(base));
        let mut tries = 0;
        loop {
            let fields = merge(&entry.model, base, &current, &changed, how.yielding);
            let changes = changes(&entry.model, &current.fields, &fields)?;
            let saved = match is_clients {
                true => self.save_of_client(entry, by, &current, changes, &bookkeeping, how.touch).await,
                false => self.save_once(entry, by, &current, changes, how.touch).await,
            };
            match saved {
                Err(WriteError::Conflict) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE * tries).await;
                    current = self.same(entry, base).await?;
                }
                Err(error) => return Err(failed(base, "cannot be saved", error)),
                Ok(None) => return Ok(current),
                Ok(Some(saved)) => return Ok(self.take_in(saved, Origin::Written)),
            }
        }
    }

    /// Spec first: it carries its own record, so that a crash after it loses nothing.
    async fn save_once(
        &self,
        entry: &Entry,
        by: &Saver,
        current: &Object,
        changes: Changes,
        touch: bool,
    ) -> Result<Option<Object>, WriteError> {
        let mut saved = None;
        let kept = kept(current, &changes.status);
        if !changes.spec.is_empty() || touch || !is_kept(current, kept.as_deref()) {
            let save = SpecSave { kept, ..self.spec_save(entry, by, current, &changes.spec, touch) };
            saved = Some(self.writer.save_spec(entry, current, &save, &by.step).await?);
        }
        if !changes.status.is_empty() {
            let before = saved.as_ref().unwrap_or(current);
            let mut after = before.clone();
            if changes.status.keys().any(|name| is_news(name)) {
                mark_changed(&mut after, by.pass, self.clock.now());
            }
            for (field, value) in changes.status {
                after.set(&field, value);
            }
            // What was changed may be work for a pass.
            settle_ready(&mut after, self.clock.now());
            saved = Some(self.writer.write_status(entry, before, &after).await?);
        }
        Ok(saved)
    }

    fn spec_save(&self, entry: &Entry, by: &Saver, current: &Object, spec: &Fields, touch: bool) -> SpecSave {
        let mut new = current.clone();
        for (field, value) in spec {
            new.set(field, value.clone());
        }
        let from = current.intent.spec;
        let to = xos_crds::spec_hash(&entry.model, &new.fields);
        let saves = match by.is_operator() {
            true => current.quiet_saves.clone(),
            false => intent::remember(&current.quiet_saves, QuietSave { from, to, by: by.pass }),
        };
        let token = || format!("{}-{:08x}", self.clock.now().as_millisecond(), rand::random::<u32>());
        SpecSave { spec: spec.clone(), saves, touch: touch.then(token), kept: None }
    }

    /// The object as the API server has it now, if it is still the same. From now on queries find it so, too: what the
    /// step was about to save may be there already.
    async fn same(&self, entry: &Entry, base: &Object) -> Result<Arc<Object>, StoreError> {
        let read = self.writer.read(entry, &base.key()).await;
        let read = read.map_err(|error| failed(base, "cannot be read", error))?;
        let same = read.filter(|read| read.meta.uid == base.meta.uid).ok_or_else(|| StoreError::Gone(base.key()))?;
        Ok(self.take_in(same, Origin::Read))
    }

    async fn set_annotations(
        &self,
        by: &Saver,
        object: &Object,
        annotations: &Annotations,
    ) -> Result<Arc<Object>, StoreError> {
        let entry = &self.entry(&object.model)?;
        let written = self.writer.annotate(entry, object, annotations, &by.step).await;
        Ok(self.take_in(written.map_err(|error| failed(object, "cannot be annotated", error))?, Origin::Written))
    }

    async fn set_id(&self, object: &Object, id: i32) -> Result<Arc<Object>, StoreError> {
        let entry = &self.entry(&object.model)?;
        let mut before = object.clone();
        // What status does not show is written.
        if before.meta.has_unshown_id {
            before.status.id = None;
        }
        let mut after = before.clone();
        after.status.id = Some(id);
        let written = self.write_status(entry, &before, &after).await?;
        Ok(self.take_in(written, Origin::Written))
    }

    async fn remove(&self, object: &Object) -> Result<(), StoreError> {
        let entry = &self.entry(&object.model)?;
        let known = self.view.get_same(&object.key(), &object.meta.uid);
        if known.as_deref().unwrap_or(object).flag("write_protect") {
            return Err(StoreError::WriteProtected(object.key()));
        }
        match self.writer.delete(entry, object, false).await {
            Ok(left) => {
                self.take_in(left, Origin::Written);
                Ok(())
            }
            Err(WriteError::Gone) => {
                self.forget(object);
                Ok(())
            }
            Err(error) => Err(failed(object, "cannot be deleted", error)),
        }
    }
}

fn is_feedback(model: &Model, name: &str) -> bool {
    model.member(name).is_some_and(|member| member.state() == FieldState::Feedback)
}

fn failed(object: &Object, what: &str, error: WriteError) -> StoreError {
    match error {
        WriteError::Gone => StoreError::Gone(object.key()),
        error => of_api_server(format!("{} {what}", object.key()), error),
    }
}

/// Returns the error of a call of the API server, which says whether it is the call's fault.
fn of_api_server(what: String, error: WriteError) -> StoreError {
    let source = Box::new(error);
    match *source {
        WriteError::Refused(_) => StoreError::Refused { what, source },
        WriteError::Unavailable(_) | WriteError::Api(_) | WriteError::TimedOut(_) => {
            StoreError::Unavailable { what, source }
        }
        WriteError::Conflict => StoreError::Unsettled { what, source },
        _ => StoreError::Backend { what, source },
    }
}

impl Store for LiveStore {
    fn models(&self) -> Arc<ModelSet> {
        Arc::clone(&self.view.registry().models)
    }

    fn properties(&self) -> Arc<Properties> {
        Arc::clone(&self.view.registry().properties)
    }

    fn query(&self, query: &Query) -> Result<Vec<Arc<Object>>, StoreError> {
        Ok(self.view.query(query)?)
    }

    fn at(&self, class: &str, namespace: &str, reference: &Reference) -> Result<Vec<Arc<Object>>, StoreError> {
        queried(&self.view.registry().models, class)?;
        Ok(self.view.at(class, namespace, reference))
    }

    fn linked_back(&self, key: &ObjectKey, port: &str) -> Result<Vec<Arc<Object>>, StoreError> {
        Ok(self.view.linked_back(key, port))
    }

    fn is_in_flight(&self, object: &Object) -> bool {
        let known = self.view.get_same(&object.key(), &object.meta.uid);
        let object = known.as_deref().unwrap_or(object);
        object.meta.deleting.is_some() || standing(object, &self.view.registry()) != Standing::Settled
    }

    fn watches(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.iter().any(|watched| watched == namespace)
    }

    fn namespaces(&self) -> Vec<String> {
        self.namespaces.clone()
    }

    fn read<'a>(&'a self, key: &'a ObjectKey) -> BoxFuture<'a, Result<Option<Arc<Object>>, StoreError>> {
        async move {
            let entry = &self.entry(&key.model)?;
            let read = self.writer.read(entry, key).await;
            let read = read.map_err(|error| of_api_server(format!("{key} cannot be read"), error))?;
            if read.is_none() {
                self.view.unanswered.known(key);
            }
            Ok(read.map(|object| self.take_in(object, Origin::Read)))
        }
        .boxed()
    }

    fn create<'a>(&'a self, by: &'a Saver, object: Object) -> Stored<'a> {
        self.make(by, object).boxed()
    }

    fn save<'a>(&'a self, by: &'a Saver, base: Arc<Object>, changed: Fields, how: &'a Save) -> Stored<'a> {
        async move { self.save_changes(by, &base, &changed, how).await }.boxed()
    }

    fn annotate<'a>(&'a self, by: &'a Saver, object: Arc<Object>, annotations: Annotations) -> Stored<'a> {
        async move { self.set_annotations(by, &object, &annotations).await }.boxed()
    }

    fn number<'a>(&'a self, object: Arc<Object>, id: i32) -> Stored<'a> {
        async move { self.set_id(&object, id).await }.boxed()
    }

    fn delete<'a>(&'a self, _: &'a Saver, object: Arc<Object>) -> BoxFuture<'a, Result<(), StoreError>> {
        async move { self.remove(&object).await }.boxed()
    }
}
