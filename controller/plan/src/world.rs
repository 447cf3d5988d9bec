//! Makes plans.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use xos_engine::Options;
use xos_model::brake::DELETION_HELD;
use xos_model::condition::{ConditionStatus, READY, find};
use xos_model::{Backoff, Object, ObjectKey};
use xos_steps::{Properties, Steps};
use xos_testing::{TestClock, World, WorldError};
use xos_xproto::{ModelSet, camel_case};

use crate::difference::{Happened, changes};
use crate::order::calls;
use crate::plan::{Held, Plan, Unsettled, What};
use crate::recording::{Calls, recorded};

/// After this time objects say what they wait for, and what holds their deletion.
const TOLD: Duration = Duration::from_secs(4);
/// After this time what is tried again has been tried again.
const TRIED: Duration = Duration::from_secs(60);

/// The models of a service with its steps and policies.
#[derive(Clone, Debug)]
pub struct Service {
    /// The synchronizer's name.
    pub name: String,
    /// The models.
    pub models: Arc<ModelSet>,
    /// Their properties.
    pub properties: Arc<Properties>,
    /// Steps and policies that are documents: the policies run.
    pub declared: Steps,
    /// Those that are compiled: their code is not run, as it may have effects.
    pub compiled: Steps,
    /// The configuration's `settings`.
    pub settings: serde_json::Map<String, serde_json::Value>,
    /// How the engine works.
    pub options: Options,
}

/// An object that is applied.
#[derive(Clone, Debug)]
pub struct Given {
    /// The object, with the fields that are set.
    pub object: Object,
    /// The fields that are unset, by their names in xproto.
    pub unset: Vec<String>,
}

/// What an operator does.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// The objects that are applied, in this order.
    pub apply: Vec<Given>,
    /// The objects that are deleted then.
    pub delete: Vec<ObjectKey>,
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The service cannot work in a world in memory, or an object would be refused.
    #[error(transparent)]
    World(#[from] WorldError),
    /// The system refuses what it needs.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// Finds out what a change would do to objects as they are now.
///
/// # Errors
/// When the steps do not match the models, the API server would refuse an object, or an object that is to be deleted is not
/// there.
pub fn plan(service: &Service, present: &[Object], change: &Change, now: Timestamp) -> Result<Plan, PlanError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let _entered = runtime.enter();
    let rehearsed = Rehearsal::new(service, now)?;
    runtime.block_on(rehearsed.run(service, present, change))
}

struct Rehearsal {
    world: World,
    calls: Calls,
}

impl Rehearsal {
    fn new(service: &Service, now: Timestamp) -> Result<Self, PlanError> {
        let calls = Calls::default();
        // What is due without a change is no part of a plan.
        let even = |backoff: Backoff| Backoff { jitter: 0.0, ..backoff };
        let options = Options {
            resync: None,
            backoff: even(service.options.backoff),
            probe_backoff: even(service.options.probe_backoff),
            ..service.options.clone()
        };
        let world = World::of_set((*service.models).clone(), Arc::clone(&service.properties))
            .named(&service.name)
            .steps(recorded(&service.declared, &service.compiled, &calls))
            .settings(serde_json::Value::Object(service.settings.clone()))
            .options(options)
            .clock(&TestClock::at(now))
            .start()?;
        Ok(Self { world, calls })
    }

    async fn run(mut self, service: &Service, present: &[Object], change: &Change) -> Result<Plan, PlanError> {
        self.fill(&service.models, present)?;
        for given in &change.apply {
            // They are applied with what they need.
            self.secrets(&service.models, &given.object);
        }
        self.rest().await;
        // Objects that no API server has are new here, and so are the Secrets that objects take values from.
        let is_stored = |object: &&Object| !object.meta.uid.is_empty() && !uses_secret(&service.models, object);
        let stored: BTreeSet<_> = present.iter().filter(is_stored).map(Object::key).collect();
        let due = self.calls.take().into_iter().map(|called| called.object);
        let pending: BTreeSet<_> = due.filter(|key| stored.contains(key)).collect();
        self.world.take_changes();
        let before = self.objects();

        for given in &change.apply {
            self.world.apply_as(&given.object, &given.unset)?;
        }
        for key in &change.delete {
            if !self.world.api().remove(key) {
                return Err(WorldError::NoObject(key.clone()).into());
            }
        }
        self.rest().await;
        let after = self.objects();
        let called = self.calls.take();
        let happened = Happened { before: &before, after: &after, changes: self.world.take_changes(), change };
        let objects = changes(&service.models, &happened);
        let (steps, unknown) = calls(service, &called);
        let (held, unsettled) = unready(&before, &after, &objects);
        Ok(Plan { objects, steps, unknown, held, unsettled, pending: pending.len() })
    }

    /// Puts the present objects into the world, and starts the controller on them: it decides nothing before it knows all.
    /// Those that no API server has stored yet are applied.
    fn fill(&mut self, models: &ModelSet, present: &[Object]) -> Result<(), PlanError> {
        for object in present {
            self.secrets(models, object);
            if object.meta.uid.is_empty() {
                self.world.apply_as(object, &[])?;
            } else {
                self.world.api().put(object.clone());
            }
        }
        Ok(self.world.restart()?)
    }

    /// Makes the Secrets that an object takes values from: what is in them is nobody's business here.
    fn secrets(&self, models: &ModelSet, object: &Object) {
        let Some(model) = models.get(&object.model) else { return };
        for (_, source) in model.secret_sources() {
            let reference = object.fields.get(&source).map(|value| &value["secretKeyRef"]);
            let text = |name: &str| reference.and_then(|reference| reference[name].as_str());
            if let (Some(name), Some(key)) = (text("name"), text("key")) {
                self.world.api().put_secret(&object.meta.namespace, name, key, "plan");
            }
        }
    }

    /// Lets the controller do all that there is to do.
    async fn rest(&mut self) {
        self.world.settle().await;
        self.world.pass(TOLD).await;
        self.world.pass(TRIED).await;
    }

    fn objects(&self) -> BTreeMap<ObjectKey, Object> {
        self.world.api().objects().into_iter().map(|object| (object.key(), object)).collect()
    }
}

fn uses_secret(models: &ModelSet, object: &Object) -> bool {
    let model = models.get(&object.model);
    model.is_some_and(|model| model.secret_sources().any(|(_, source)| object.fields.contains_key(&source)))
}

/// Returns the deletions that are held, and the objects that changed and are not ready.
fn unready(
    before: &BTreeMap<ObjectKey, Object>,
    after: &BTreeMap<ObjectKey, Object>,
    changes: &[crate::plan::ObjectChange],
) -> (Vec<Held>, Vec<Unsettled>) {
    let (mut held, mut unsettled) = (vec![], vec![]);
    for (key, object) in after {
        let Some(ready) = find(&object.status.conditions, READY) else { continue };
        let was = before.get(key).and_then(|before| find(&before.status.conditions, READY));
        let (name, message) = (key.to_string(), ready.message.clone());
        if ready.reason == DELETION_HELD {
            if was.is_none_or(|was| was.reason != DELETION_HELD) {
                held.push(Held { object: name, message });
            }
        } else if ready.status != ConditionStatus::True {
            let is_changed = changes.iter().any(|one| one.object == name && one.what != What::Unchanged);
            let is_news = was.is_none_or(|was| was.reason != ready.reason || was.message != ready.message);
            if is_changed || is_news {
                unsettled.push(Unsettled { object: name, reason: ready.reason.clone(), message });
            }
        }
    }
    (held, unsettled)
}

/// Returns the name of a field as kubectl shows it.
pub(crate) fn shown(field: &str) -> String {
    camel_case(field)
}
