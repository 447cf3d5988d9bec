//! What is saved while a step runs, by the step and under its hands.

use tokio::sync::mpsc;
use xos_engine::memory::MemoryApi;
use xos_engine::watch::WatchEvent;
use xos_engine::{Engine, Options, Registry, SpecSave, Writer as _};
use xos_model::{Pass, QuietSave};
use xos_steps::{Call, StoreError};

use crate::support::*;

/// Returns an engine over an API server in memory, to be driven by hand.
fn engine(registry: Registry) -> (Engine, MemoryApi, mpsc::UnboundedReceiver<WatchEvent>) {
    let registry = Arc::new(registry);
    let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
    let (api, shown) = MemoryApi::new(Arc::clone(&registry), clock.clone());
    let writer = Arc::new(api.clone());
    (Engine::new(registry, writer, clock, services(), Options::default()).unwrap(), api, shown)
}

/// Who changes an object under its step's hands.
#[derive(Clone, Copy)]
enum Other {
    Operator,
    /// A policy, or an event step, by a quiet save.
    Quietly(Pass),
}

/// Saves its object early, after somebody has changed it.
struct Early {
    other: Other,
    registry: Registry,
    api: Arc<Mutex<Option<MemoryApi>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl SyncStep for Early {
    type Model = Object;
    fn observes(&self) -> &str {
        "MyModel"
    }
    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.seen.lock().unwrap().push(o.text("first_name").unwrap_or_default().to_owned());
        let api = self.api.lock().unwrap().take();
        match (api, self.other) {
            (Some(api), Other::Operator) => {
                api.edit(&o.key(), |o| o.set("first_name", json!("edited"))).unwrap();
            }
            (Some(api), Other::Quietly(by)) => {
                let entry = self.registry.get("MyModel").unwrap();
                let there = api.get(&o.key()).unwrap();
                let mut new = there.clone();
                new.set("first_name", json!("edited"));
                let to = xos_crds::spec_hash(&entry.model, &new.fields);
                let saves = vec![QuietSave { from: there.intent.spec, to, by }];
                let spec = [("first_name", json!("edited"))].into();
                api.save_spec(entry, &there, &SpecSave { spec, saves, ..SpecSave::default() }, "other").await.unwrap();
            }
            (None, _) => {}
        }
        o.set("seen", json!("early"));
        ctx.save(o).await?;
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

/// What the step saw, call by call.
async fn seen_after(other: Other) -> Vec<String> {
    let cell = Arc::new(Mutex::new(None));
    let seen = Arc::new(Mutex::new(vec![]));
    let registry = Registry::new("me", &models(), &Steps::new()).unwrap();
    let step = Early { other, registry, api: Arc::clone(&cell), seen: Arc::clone(&seen) };
    let (mut engine, api, mut shown) = engine(Registry::new("me", &models(), &Steps::new().sync_step(step)).unwrap());
    *cell.lock().unwrap() = Some(api.clone());
    api.apply(&object("ann")).unwrap();
    engine.settle(&mut shown).await;
    let ann = api.get(&object("ann").key()).unwrap();
    assert_eq!(ann.status.observed_generation, Some(ann.meta.generation));
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_a_step_s_own_save_brings_along_is_not_taken_for_handled() {
    assert_eq!(seen_after(Other::Operator).await, ["ann", "edited"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_policy_saved_meanwhile_is_news_for_the_step() {
    assert_eq!(seen_after(Other::Quietly(Pass::Policy)).await, ["ann", "edited"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_event_step_saved_meanwhile_is_none() {
    assert_eq!(seen_after(Other::Quietly(Pass::Event)).await, ["ann"]);
}

/// Reads the object `ann`, as an event step does that wants to create it and finds that it exists.
async fn find_or_create(engine: &Engine) {
    let context = StepContext::new(&engine.services(), Call::new("Event", Pass::Event, "default"));
    let error = context.models_of("MyModel").find_or_create(object("ann"), ["first_name"]).await.unwrap_err();
    assert!(matches!(error, StoreError::BeingDeleted(_)), "{error}");
}

/// An earlier controller ran the step and ended before it could write status; then the object was deleted, and is
/// protected yet.
#[tokio::test(start_paused = true)]
async fn what_a_step_finds_instead_of_creating_it_may_be_in_the_backend() {
    let calls = Arc::new(Mutex::new(vec![]));
    let script: Script = Box::new(|_, _, _| Ok(()));
    let step = Scripted { script, calls: Arc::clone(&calls), running: AtomicUsize::new(0), takes: Duration::ZERO };
    let (mut engine, api, _) = engine(Registry::new("me", &models(), &Steps::new().sync_step(step)).unwrap());
    let mut ann = object("ann");
    ann.meta.finalizers = vec!["sync.xos.opencord.org/me".to_owned()];
    ann.meta.deleting = Some(SOME_TIME);
    ann.set("write_protect", json!(true));
    api.put(ann);
    let mut shown = api.watch();
    engine.settle(&mut shown).await;
    find_or_create(&engine).await;
    engine.settle(&mut shown).await;
    api.edit(&key("ann"), |o| o.set("write_protect", json!(false))).unwrap();
    engine.settle(&mut shown).await;
    assert_eq!(*calls.lock().unwrap(), ["delete ann"], "not skipped, as if it had been created here");
    assert!(api.get(&key("ann")).is_none());
}
