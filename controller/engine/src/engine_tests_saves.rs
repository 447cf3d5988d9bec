//! What is saved while a step runs, by the step and under its hands.

use tokio::sync::mpsc;
use xos_model::{Pass, QuietSave};

use super::*;
use crate::memory::MemoryApi;
use crate::watch::Notice;
use crate::writer::SpecSave;

/// An engine over an API server in memory, to be driven by hand.
fn engine(registry: Registry) -> (Engine, MemoryApi, mpsc::UnboundedReceiver<Notice>) {
    let registry = Arc::new(registry);
    let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
    let (api, notices) = MemoryApi::new(Arc::clone(&registry), clock.clone());
    let writer = Arc::new(api.clone());
    (Engine::new(registry, writer, clock, Services::default(), Options::default()).unwrap(), api, notices)
}

#[tokio::test(start_paused = true)]
async fn what_was_made_and_synchronized_before_the_engine_hears_who_made_it_is_deleted_in_the_backend() {
    let calls = Arc::new(Mutex::new(vec![]));
    let script: Script = Box::new(|_, _, _| Ok(()));
    let step = Scripted { script, calls: Arc::clone(&calls), running: AtomicUsize::new(0), takes: Duration::ZERO };
    let (mut engine, api, mut notices) = engine(Registry::new("me", &models(), &Steps::new().sync_step(step)).unwrap());
    let ann = api.apply(&object("ann")).unwrap();
    while let Ok(notice) = notices.try_recv() {
        engine.notice(notice);
    }
    engine.start_workers();
    assert_eq!(engine.workers.len(), 1);
    engine.step_wrote(Wrote::Made(ann.key(), ann.meta.uid.clone()));
    engine.settle(&mut notices).await;
    assert!(api.remove(&ann.key()));
    engine.settle(&mut notices).await;
    assert_eq!(*calls.lock().unwrap(), ["sync ann", "delete ann"]);
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
                let saves = vec![QuietSave { from: there.intent.spec.clone(), to, by }];
                let spec = [("first_name".to_owned(), json!("edited"))].into();
                api.save_spec(entry, &there, &SpecSave { spec, saves, touch: None }, "other").await.unwrap();
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
    let (cell, seen) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(vec![])));
    let registry = Registry::new("me", &models(), &Steps::new()).unwrap();
    let step = Early { other, registry, api: Arc::clone(&cell), seen: Arc::clone(&seen) };
    let (mut engine, api, mut notices) = engine(Registry::new("me", &models(), &Steps::new().sync_step(step)).unwrap());
    *cell.lock().unwrap() = Some(api.clone());
    api.apply(&object("ann")).unwrap();
    engine.settle(&mut notices).await;
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
