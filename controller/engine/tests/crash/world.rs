//! A controller that dies and is started again, an API server and a backend that outlive it, and an operator who knows
//! nothing of that.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use xos_engine::clock::Clock;
use xos_engine::memory::MemoryApi;
use xos_engine::watch::WatchEvent;
use xos_engine::{Engine, Options, Registry};
use xos_model::dirty::{Due, policy_due, sync_due};
use xos_model::{Backoff, Condition, ConditionStatus, Object, ObjectKey, Pass};
use xos_steps::{Call, Services, StepContext, StepError, Steps};
use xos_xproto::{ModelSet, Sources, compile};

use crate::fuse::{Crash, Fuse};
use crate::mortal::Mortal;
use crate::steps::{Backend, MODELS, OnePort, SyncPort, SyncSite, SyncSlice};

const ME: &str = "me";
/// Until the controller is started again.
const DOWN: Duration = Duration::from_millis(700);
/// How often what the backend knows is pulled, and for how many times.
const PULLS: (Duration, usize) = (Duration::from_secs(2), 25);
/// Longer after the operator's last change than anything is delayed: the longest delay after a failure is 5 min.
const END: Duration = Duration::from_secs(20 * 60);
/// For so long before the end nothing moves any more.
const AT_REST: Duration = Duration::from_secs(8 * 60);

/// What the operator does, and when, in milliseconds.
pub(crate) type Act = (u64, Box<dyn Fn(&MemoryApi) + Send>);

/// How it ended.
#[derive(Debug)]
pub(crate) struct End {
    /// What there is: objects, as far as it does not depend on time, and the backend's content.
    pub(crate) picture: BTreeMap<String, Value>,
    /// How often each step was begun, by idempotency key.
    pub(crate) begun: BTreeMap<String, usize>,
    /// How many outward calls there were.
    pub(crate) calls: usize,
    /// How many crashes.
    pub(crate) crashes: usize,
}

struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let start = Timestamp::from_second(1_767_225_600).unwrap();
        start + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

struct World {
    registry: Arc<Registry>,
    clock: Arc<TokioClock>,
    api: MemoryApi,
    backend: Backend,
    fuse: Fuse,
    services: Services,
}

/// To make the HTTP client of a context takes longer than a story.
static SERVICES: LazyLock<Services> = LazyLock::new(Services::default);

static COMPILED: LazyLock<ModelSet> = LazyLock::new(|| {
    let mut sources = Sources::new();
    sources.add("crash.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    compiled.models
});

/// Runs a story to its end, in paused time.
pub(crate) async fn run(story: Vec<Act>, plan: &[Crash], seed: u64) -> End {
    let world = World::new(plan, seed);
    let operator = tokio::spawn(operate(story, world.api.clone()));
    let lives = async {
        loop {
            let (engine, puller) = world.live();
            world.fuse.blown().await;
            engine.abort();
            puller.abort();
            tokio::time::sleep(DOWN).await;
        }
    };
    assert!(tokio::time::timeout(END - AT_REST, lives).await.is_err());
    operator.await.unwrap();
    // Whatever was started last still runs: dropping the tasks' handles leaves them.
    let calls = world.fuse.calls();
    tokio::time::sleep(AT_REST).await;
    assert_eq!(world.fuse.calls(), calls, "nothing moves any more");
    let crashes = world.fuse.life();
    End { picture: world.picture(), begun: world.backend.begun(), calls, crashes }
}

async fn operate(story: Vec<Act>, api: MemoryApi) {
    let start = tokio::time::Instant::now();
    for (at, act) in story {
        tokio::time::sleep_until(start + Duration::from_millis(at)).await;
        act(&api);
    }
}

impl World {
    fn new(plan: &[Crash], seed: u64) -> Self {
        let fuse = Fuse::new(plan, seed);
        let backend = Backend::new(&fuse);
        let [site, slice, port] = [backend.clone(), backend.clone(), backend.clone()];
        let steps = Steps::new().sync_step(SyncSite(site)).sync_step(SyncSlice(slice)).sync_step(SyncPort(port));
        let registry = Arc::new(Registry::new(ME, &COMPILED, &steps.policy(OnePort)).unwrap());
        let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
        let (api, _) = MemoryApi::new(Arc::clone(&registry), clock.clone());
        Self { registry, clock, api, backend, fuse, services: SERVICES.clone() }
    }

    /// Starts the controller, and what pulls.
    fn live(&self) -> (JoinHandle<()>, JoinHandle<()>) {
        let life = self.fuse.life();
        let writer = Mortal { api: self.api.clone(), fuse: self.fuse.clone(), life };
        let services = Services { settings: Arc::new(json!({ "life": life })), ..self.services.clone() };
        let backoff = Backoff { jitter: 0.0, ..Backoff::default() };
        // Nothing is looked after again, so that all comes to rest.
        let options = Options { backoff, concurrency: 3, resync: None, ..Options::default() };
        let engine = Engine::new(Arc::clone(&self.registry), Arc::new(writer), self.clock.clone(), services, options);
        let engine = engine.unwrap();
        let services = engine.services();
        let events = relay(self.api.watch());
        let engine = async move { engine.run(events, CancellationToken::new()).await.unwrap() };
        (tokio::spawn(engine), tokio::spawn(pull(services, self.backend.clone())))
    }

    fn picture(&self) -> BTreeMap<String, Value> {
        let objects = self.api.objects().into_iter().map(|o| (o.key().to_string(), self.shown(&o)));
        let backend = self.backend.content().into_iter().map(|(key, value)| (format!("backend: {key}"), value));
        objects.chain(backend).collect()
    }

    /// An object without what depends on time.
    fn shown(&self, o: &Object) -> Value {
        let mut fields = o.fields.clone();
        let times = ["updated", "enacted", "policed", "changed_by_step", "changed_by_policy", "backend_register"];
        fields.retain(|name, _| !times.contains(&name));
        // Which pass came last, and is the reason of Ready=True, is a matter of time too.
        let reason = |one: &Condition| (one.status != ConditionStatus::True).then(|| one.reason.clone());
        let conditions =
            o.status.conditions.iter().map(|one| format!("{}={:?} {:?}", one.kind, one.status, reason(one)));
        let has_policy = *o.model == *"Slice";
        json!({
            "fields": fields, "conditions": conditions.collect::<Vec<_>>(), "finalizers": o.meta.finalizers,
            "sync": format!("{:?}", sync_due(o, ME, self.clock.now())),
            "policy": has_policy.then(|| policy_due(o, ME, self.clock.now()) == Due::Clean),
            "observed": o.status.observed_generation == Some(o.meta.generation),
            "enacted": o.date("enacted") == o.date("updated").max(o.date("changed_by_policy")),
        })
    }
}

/// A watch is late, and the engine reads it as fast as it can.
fn relay(mut shown: UnboundedReceiver<WatchEvent>) -> mpsc::Receiver<WatchEvent> {
    let (sender, receiver) = mpsc::channel(1024);
    tokio::spawn(async move {
        while let Some(notice) = shown.recv().await {
            tokio::time::sleep(Duration::from_millis(3)).await;
            if sender.send(notice).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// What a pull step does: the state of the world, quietly, into spec and status.
async fn pull(services: Arc<Services>, backend: Backend) {
    for _ in 0..PULLS.1 {
        tokio::time::sleep(PULLS.0).await;
        // A pull that fails is done again at the next time.
        let call = Call::new("Pull", Pass::Pull, "default");
        let _ = pull_once(&StepContext::new(&services, call), &backend).await;
    }
}

async fn pull_once(ctx: &StepContext, backend: &Backend) -> Result<(), StepError> {
    for mut slice in ctx.models_of("Slice").all()? {
        let content = backend.content();
        let Some(size) = content.get(&slice.key().to_string()).map(|content| content["size"].clone()) else { continue };
        slice.set("note", json!(format!("seen at size {size}")));
        slice.set("seen", size);
        ctx.save(&mut slice).await?;
    }
    Ok(())
}

pub(crate) fn key(model: &str, name: &str) -> ObjectKey {
    ObjectKey::new(model, "default", name)
}
