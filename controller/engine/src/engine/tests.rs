//! What has to hold in whatever order a watch, a step and a worker are heard.

use std::sync::{LazyLock, Mutex};

use xos_model::Object;
use xos_steps::{StepContext, StepError, Steps, SyncStep};
use xos_xproto::{Sources, compile};

use super::*;
use crate::clock::SystemClock;
use crate::fixtures::object;
use crate::memory::MemoryApi;
use crate::registry::Registry;
use crate::view::Origin;
use crate::watch::Loss;

/// To make an HTTP client takes longer than a test.
static SERVICES: LazyLock<Services> = LazyLock::new(Services::default);

fn services() -> Services {
    Services { cancellation: CancellationToken::new(), ..SERVICES.clone() }
}

/// A step with one slot, which records its calls.
struct Recording(Arc<Mutex<Vec<String>>>);

impl SyncStep for Recording {
    type Model = Object;
    fn observes(&self) -> &str {
        "MyModel"
    }
    fn concurrency(&self) -> Option<usize> {
        Some(1)
    }
    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.0.lock().unwrap().push(format!("sync {}", o.meta.name));
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        self.0.lock().unwrap().push(format!("delete {}", o.meta.name));
        Ok(())
    }
}

struct Driven {
    engine: Engine,
    api: MemoryApi,
    shown: UnboundedReceiver<WatchEvent>,
    calls: Arc<Mutex<Vec<String>>>,
}

/// Returns an engine over an API server in memory, to be driven by hand.
fn driven() -> Driven {
    driven_by(
        "option app_label = \"t\"; message MyModel (XOSBase) { required string first_name = 1 [max_length = 9]; }",
    )
}

fn driven_by(text: &str) -> Driven {
    let mut sources = Sources::new();
    sources.add("t.xproto", text);
    let calls = Arc::new(Mutex::new(vec![]));
    let steps = Steps::new().sync_step(Recording(Arc::clone(&calls)));
    let registry = Arc::new(Registry::new("me", &compile(&sources).models, &steps).unwrap());
    let clock = Arc::new(SystemClock);
    let (api, shown) = MemoryApi::new(Arc::clone(&registry), clock.clone());
    let engine = Engine::new(registry, Arc::new(api.clone()), clock, services(), Options::default());
    Driven { engine: engine.unwrap(), api, shown, calls }
}

impl Driven {
    /// Lets the engine hear what the watches show, and do nothing yet.
    fn hear(&mut self) {
        while let Ok(event) = self.shown.try_recv() {
            self.engine.watch_event(event);
        }
    }

    async fn settle(&mut self) {
        self.engine.settle(&mut self.shown).await;
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn what_was_created_and_synchronized_before_the_engine_hears_who_created_it_is_deleted_in_the_backend() {
    let mut run = driven();
    run.hear();
    let ann = run.api.apply(&object("ann")).unwrap();
    let taken = run.engine.view.take_in(Arc::new(ann.clone()), Origin::Created).unwrap();
    // It is woken before the engine hears who created it.
    run.engine.enqueue(&ann.key(), Priority::Change);
    run.engine.start_workers();
    assert_eq!(run.engine.workers.len(), 1);
    run.engine.store_event(StoreEvent::TakenIn(taken));
    run.settle().await;
    assert!(run.api.remove(&ann.key()));
    run.settle().await;
    assert_eq!(run.calls(), ["sync ann", "delete ann"]);
}

#[tokio::test]
async fn the_late_end_of_an_object_does_not_take_its_successor_from_the_queue() {
    let mut run = driven();
    run.api.apply(&object("ann")).unwrap();
    run.settle().await;
    let old = run.engine.view.get(&object("ann").key()).unwrap();
    // The step that deleted it is told so, and before it can say so the watch shows a successor.
    run.engine.view.release(&old.key(), &old.meta.uid);
    let mut new = object("ann");
    new.meta.uid = "another".to_owned();
    run.api.put(new);
    run.hear();
    run.engine.store_event(StoreEvent::Gone(old.key()));
    run.settle().await;
    assert_eq!(run.calls(), ["sync ann", "sync ann"]);
}

#[tokio::test]
async fn a_slot_that_was_offered_to_an_object_that_is_gone_goes_to_the_next() {
    let mut run = driven();
    for name in ["a", "b", "c"] {
        run.api.apply(&object(name)).unwrap();
    }
    run.hear();
    // One has the slot, two wait for it.
    run.engine.start_workers();
    let ended = run.engine.workers.join_next().await.unwrap();
    run.engine.worker_ended(ended);
    let next = run.engine.workers.turn().offered.remove(0).key;
    let uid = run.engine.view.get(&next).unwrap().meta.uid.clone();
    run.engine.watch_event(WatchEvent::Delete(next, uid));
    run.settle().await;
    let synced: Vec<_> = run.calls();
    assert_eq!(synced.len(), 2, "{synced:?}");
}

#[tokio::test]
async fn the_delay_after_refused_writes_is_not_inherited() {
    let mut run = driven();
    let ann = run.api.apply(&object("ann")).unwrap();
    run.hear();
    for expected in 1..=5 {
        assert_eq!(run.engine.objects.count_failed_write(&ann.key(), &ann.meta.uid), expected);
    }
    run.engine.watch_event(WatchEvent::Delete(ann.key(), ann.meta.uid.clone()));
    let mut successor = ann.clone();
    successor.meta.uid = "another".to_owned();
    run.engine.watch_event(WatchEvent::Apply(Box::new(successor)));
    assert_eq!(run.engine.objects.count_failed_write(&ann.key(), "another"), 1);
}

#[tokio::test]
async fn a_kind_whose_definition_is_gone_holds_nobody_and_comes_back() {
    let mut driven = driven_by(
        "option app_label = \"t\"; message MyModel (XOSBase) { required string first_name = 1 [max_length = 9]; } \
         message Child (XOSBase) { optional manytoone up->MyModel:children = 1:1001; optional string a = 2 [max_length = 9]; }",
    );
    driven.api.apply(&object("a")).unwrap();
    let mut child = Object::named("Child", "default", "c");
    child.set("up", serde_json::json!({"name": "a"}));
    let child = driven.api.apply(&child).unwrap();
    driven.settle().await;
    // It is there, and no longer shown: the parent would wait for it.
    let watch = WatchId::new("Child", None);
    driven.engine.watch_event(WatchEvent::Lost(watch.clone(), Loss::Unserved));
    driven.api.remove(&object("a").key());
    driven.settle().await;
    assert_eq!(driven.calls(), ["sync a", "delete a"]);
    assert_eq!(driven.engine.view.loss_of("Child", "default"), Some(Loss::Unserved));

    driven.engine.watch_event(WatchEvent::Init(watch.clone()));
    driven.engine.watch_event(WatchEvent::InitApply(Box::new(child)));
    driven.engine.watch_event(WatchEvent::InitDone(watch, "9".to_owned()));
    assert!(driven.engine.view.get(&ObjectKey::new("Child", "default", "c")).is_some());
    assert_eq!(driven.engine.view.loss_of("Child", "default"), None);
}

#[tokio::test]
async fn a_kind_that_may_not_be_seen_does_not_keep_the_others_waiting() {
    let mut driven = driven_by(
        "option app_label = \"t\"; message MyModel (XOSBase) { required string first_name = 1 [max_length = 9]; } \
         message Child (XOSBase) { optional string a = 1 [max_length = 9]; }",
    );
    driven.api.apply(&object("a")).unwrap();
    while let Ok(event) = driven.shown.try_recv() {
        match event {
            WatchEvent::InitDone(watch, _) if watch.model() == "Child" => {
                driven.engine.watch_event(WatchEvent::Lost(watch, Loss::Forbidden));
            }
            event => driven.engine.watch_event(event),
        }
    }
    assert!(*driven.engine.ready().borrow());
    driven.settle().await;
    assert_eq!(driven.calls(), ["sync a"]);
}

/// A step that does nothing.
struct Idle(&'static str);

impl SyncStep for Idle {
    type Model = Object;
    fn observes(&self) -> &str {
        self.0
    }
    async fn sync_record(&self, _: &StepContext, _: &mut Object) -> Result<(), StepError> {
        Ok(())
    }
    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

#[tokio::test]
async fn what_happens_to_those_that_a_held_deletion_would_take_along_costs_no_new_count() {
    const CHILDREN: usize = 300;
    let mut sources = Sources::new();
    let text = "option app_label = \"t\"; message Node (XOSBase) { required string name = 1 [max_length = 9];
        optional manytoone parent->Node:children = 2:1001; }";
    sources.add("t.xproto", text);
    let registry =
        Arc::new(Registry::new("me", &compile(&sources).models, &Steps::new().sync_step(Idle("Node"))).unwrap());
    let clock = Arc::new(SystemClock);
    let (api, mut shown) = MemoryApi::new(Arc::clone(&registry), clock.clone());
    let options = Options { report_waits_after: Duration::ZERO, ..Options::default() };
    let mut engine = Engine::new(registry, Arc::new(api.clone()), clock, services(), options).unwrap();
    let node = |name: &str, parent: Option<&str>| {
        let mut node = Object::named("Node", "here", name);
        node.set("name", name.into());
        node.set("parent", parent.map_or(serde_json::Value::Null, |parent| serde_json::json!({"name": parent})));
        api.apply(&node).unwrap();
        node.key()
    };
    let root = node("root", None);
    let children: Vec<_> = (0..CHILDREN).map(|n| node(&format!("c{n}"), Some("root"))).collect();
    engine.settle(&mut shown).await;
    let visits = || crate::brake::VISITS.with(|visits| visits.replace(0));
    visits();
    api.remove(&root);
    engine.settle(&mut shown).await;
    let reason = |key| api.get(key).unwrap().status.conditions[0].reason.clone();
    assert_eq!(reason(&root), "DeletionHeld");
    let held = visits();
    assert!(held <= 4 * (CHILDREN + 1), "{held}");
    for (n, child) in children.iter().enumerate() {
        api.edit(child, |child| child.set("name", format!("d{n}").into()));
    }
    engine.settle(&mut shown).await;
    assert_eq!(visits(), 0, "edits");
    for child in &children[..CHILDREN - 101] {
        api.remove(child);
    }
    engine.settle(&mut shown).await;
    let of_themselves = visits();
    assert!(of_themselves <= 4 * CHILDREN, "a deleted child looks at itself only: {of_themselves}");
    assert_eq!(api.objects().len(), 102);
    api.remove(&children[CHILDREN - 1]);
    engine.settle(&mut shown).await;
    assert_eq!(api.objects().len(), 0, "a hundred are not held");
}
