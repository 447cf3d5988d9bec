//! A controller in paused time, with steps that do what a test says.

use std::sync::LazyLock;
pub(crate) use std::sync::atomic::{AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Mutex};
pub(crate) use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
pub(crate) use serde_json::json;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use xos_engine::clock::Clock;
use xos_engine::heartbeat::Heartbeat;
use xos_engine::installation::Installations;
use xos_engine::leader::Leadership;
use xos_engine::memory::{ChangeKind, Fault, MemoryApi};
use xos_engine::stats::Stats;
use xos_engine::watch::WatchEvent;
use xos_engine::{Engine, EngineError, Observer, Options, Registry};
pub(crate) use xos_model::condition::find;
pub(crate) use xos_model::{Backoff, Intent, Meta, Object, ObjectKey, SpecHash, Status};
use xos_steps::Services;
pub(crate) use xos_steps::{StepContext, StepError, Steps, SyncStep};
use xos_xproto::{ModelSet, Sources, compile};

/// To make an HTTP client takes longer than a test.
static SERVICES: LazyLock<Services> = LazyLock::new(Services::default);

/// Returns what steps share, with a cancellation of its own.
pub(crate) fn services() -> Services {
    Services { cancellation: CancellationToken::new(), ..SERVICES.clone() }
}

/// A moment for deletionTimestamps.
pub(crate) const SOME_TIME: Timestamp = Timestamp::UNIX_EPOCH;

/// Returns an object of `MyModel` as the API server might give it.
pub(crate) fn object(name: &str) -> Object {
    Object {
        model: "MyModel".into(),
        meta: Meta {
            namespace: "default".to_owned(),
            name: name.to_owned(),
            uid: format!("uid-of-{name}"),
            generation: 1,
            created: Some(Timestamp::UNIX_EPOCH),
            ..Meta::default()
        },
        fields: [("first_name", json!(name))].into(),
        intent: Intent { spec: SpecHash::of(&json!(name)), touch: None, secrets: None },
        unswitched: vec![],
        quiet_saves: vec![],
        status: Status::default(),
    }
}

/// Returns the key of an object of `MyModel`.
pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::new("MyModel", "default", name)
}

/// Returns the model set with `MyModel`.
pub(crate) fn models() -> ModelSet {
    let mut sources = Sources::new();
    let text = "option app_label = \"example\";\nmessage MyModel (XOSBase) { required string first_name = 1 [max_length = 32]; \
        optional manytoone boss->MyModel:staff = 2:1001; optional manytomany friends->MyModel:befriended = 4:1002; optional string seen = 3 [max_length = 99, feedback_state = True]; }";
    sources.add("mymodel.xproto", text);
    compile(&sources).models
}

/// A clock that goes with tokio's (paused) time.
pub(crate) struct TokioClock(pub(crate) tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_000_000).unwrap() + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

pub(crate) type Script = Box<dyn Fn(&StepContext, &mut Object, usize) -> Result<(), StepError> + Send + Sync>;

/// A step that does what its script says, and records its calls.
pub(crate) struct Scripted {
    pub(crate) script: Script,
    pub(crate) calls: Arc<Mutex<Vec<String>>>,
    pub(crate) running: AtomicUsize,
    pub(crate) takes: Duration,
}

impl SyncStep for Scripted {
    type Model = Object;

    fn observes(&self) -> &str {
        "MyModel"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        let call = self.note("sync", o);
        self.running.fetch_add(1, Ordering::SeqCst);
        tokio::select! {
            () = tokio::time::sleep(self.takes) => {}
            () = ctx.cancellation().cancelled() => return Err(StepError::failed("cancelled")),
        }
        self.running.fetch_sub(1, Ordering::SeqCst);
        (self.script)(ctx, o, call)
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        let call = self.note("delete", o);
        (self.script)(ctx, &mut o.clone(), call)
    }
}

impl Scripted {
    /// Records a call. Returns its number, from 1.
    fn note(&self, what: &str, o: &Object) -> usize {
        let mut calls = self.calls.lock().unwrap();
        calls.push(format!("{what} {}", o.meta.name));
        calls.len()
    }
}

/// The API server, and those who work on it from outside.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) api: MemoryApi,
    writes: Arc<Mutex<Vec<String>>>,
}

impl World {
    pub(crate) fn new(api: MemoryApi) -> Self {
        Self { api, writes: Arc::default() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Object> {
        self.api.get(&key(name))
    }

    /// Returns what the controller has written so far: `status ann`.
    pub(crate) fn writes(&self) -> Vec<String> {
        let what = |kind| match kind {
            ChangeKind::Created => "create",
            ChangeKind::Spec | ChangeKind::Touched => "spec",
            ChangeKind::Kept => "kept",
            ChangeKind::Status => "status",
            ChangeKind::Finalizers => "finalizers",
            ChangeKind::Annotated => "annotations",
            ChangeKind::Deleted => "delete",
        };
        let mut writes = self.writes.lock().unwrap();
        let new =
            self.api.take_changes().into_iter().map(|change| format!("{} {}", what(change.what), change.object.name));
        writes.extend(new);
        writes.clone()
    }

    /// Lets the API server be unable to take the next writes.
    pub(crate) fn refuse(&self, times: usize) {
        (0..times).for_each(|_| self.api.inject(Fault::Unavailable("not now".to_owned())));
    }

    /// Lets the API server be unable to take any status.
    pub(crate) fn refuse_status(&self) {
        self.api.refuse_status(Some("not now"));
    }

    /// Lets the API server refuse the next write with this text.
    pub(crate) fn refuse_with(&self, text: &str) {
        self.api.inject(Fault::Refused(text.to_owned()));
    }

    /// Stores an object, as somebody else does.
    pub(crate) fn put(&self, object: Object) {
        self.api.put(object);
    }

    /// Changes an object, as somebody else does.
    pub(crate) fn edit(&self, name: &str, edit: impl FnOnce(&mut Object)) {
        let mut object = self.get(name).unwrap();
        edit(&mut object);
        self.put(object);
    }

    pub(crate) fn delete(&self, name: &str) {
        self.edit(name, |o| o.meta.deleting = Some(SOME_TIME));
    }
}

/// A controller that runs.
pub(crate) struct Running {
    pub(crate) world: World,
    calls: Arc<Mutex<Vec<String>>>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) stats: Stats,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) engine: JoinHandle<Result<(), EngineError>>,
}

/// What a controller may know beside its steps.
#[derive(Default)]
struct More {
    leadership: Option<Leadership>,
    observer: Option<Arc<dyn Observer>>,
    /// Which synchronizers are installed.
    installed: Option<watch::Receiver<Option<Arc<Installations>>>>,
}

impl Running {
    pub(crate) fn start(
        script: impl Fn(&StepContext, &mut Object, usize) -> Result<(), StepError> + Send + Sync + 'static,
    ) -> Self {
        Self::start_slow(Duration::ZERO, script)
    }

    pub(crate) fn start_slow(
        takes: Duration,
        script: impl Fn(&StepContext, &mut Object, usize) -> Result<(), StepError> + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(Mutex::new(vec![]));
        let step =
            Scripted { script: Box::new(script), calls: Arc::clone(&calls), running: AtomicUsize::new(0), takes };
        Self::start_with(calls, &Steps::new().sync_step(step))
    }

    /// Starts a controller with any steps and policies, which record their calls.
    pub(crate) fn start_with(calls: Arc<Mutex<Vec<String>>>, steps: &Steps) -> Self {
        Self::start_over(vec![], calls, steps)
    }

    /// Starts a controller that finds these objects.
    pub(crate) fn start_over(there: Vec<Object>, calls: Arc<Mutex<Vec<String>>>, steps: &Steps) -> Self {
        Self::start_all(there, calls, steps, More::default())
    }

    /// Starts a controller without steps that knows which synchronizers are installed.
    pub(crate) fn start_among(known: watch::Receiver<Option<Arc<Installations>>>) -> Self {
        Self::start_all(vec![], Arc::default(), &Steps::new(), More { installed: Some(known), ..More::default() })
    }

    /// Starts a controller without steps whose objects somebody observes.
    pub(crate) fn start_observed(observer: Arc<dyn Observer>) -> Self {
        Self::start_all(vec![], Arc::default(), &Steps::new(), More { observer: Some(observer), ..More::default() })
    }

    fn start_all(there: Vec<Object>, calls: Arc<Mutex<Vec<String>>>, steps: &Steps, more: More) -> Self {
        let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
        let registry = Arc::new(Registry::new("me", &models(), steps).unwrap());
        let (api, shown) = MemoryApi::new(Arc::clone(&registry), clock.clone());
        if there.is_empty() {
            return Self::start_on((api, shown), registry, clock, calls, more);
        }
        there.into_iter().for_each(|object| api.put(object));
        let shown = api.watch();
        Self::start_on((api, shown), registry, clock, calls, more)
    }

    /// Starts a controller on the API server of another one, if there is one.
    pub(crate) fn start_beside(
        api: Option<&MemoryApi>,
        clock: Arc<TokioClock>,
        calls: Arc<Mutex<Vec<String>>>,
        steps: &Steps,
        leadership: Option<Leadership>,
    ) -> Self {
        let registry = Arc::new(Registry::new("me", &models(), steps).unwrap());
        let server = match api {
            Some(api) => (api.clone(), api.watch()),
            None => MemoryApi::new(Arc::clone(&registry), clock.clone()),
        };
        Self::start_on(server, registry, clock, calls, More { leadership, ..More::default() })
    }

    fn start_on(
        (api, mut shown): (MemoryApi, UnboundedReceiver<WatchEvent>),
        registry: Arc<Registry>,
        clock: Arc<TokioClock>,
        calls: Arc<Mutex<Vec<String>>>,
        More { leadership, observer, installed }: More,
    ) -> Self {
        let options =
            Options { concurrency: 4, backoff: Backoff { jitter: 0.0, ..Backoff::default() }, ..Options::default() };
        let mut engine = Engine::new(registry, Arc::new(api.clone()), clock, services(), options).unwrap();
        if let Some(leadership) = leadership {
            engine = engine.led_by(leadership);
        }
        installed.into_iter().for_each(|known| engine.watch_installations(known));
        let (stats, heartbeat) = (engine.stats(), engine.heartbeat());
        observer.into_iter().for_each(|observer| engine.observe(observer));
        let (sender, watch_events) = mpsc::channel(1000);
        tokio::spawn(async move {
            while let Some(event) = shown.recv().await {
                if sender.send(event).await.is_err() {
                    return;
                }
            }
        });
        let shutdown = CancellationToken::new();
        let engine = tokio::spawn(engine.run(watch_events, shutdown.clone()));
        Self { world: World::new(api), calls, shutdown, stats, heartbeat, engine }
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    /// Lets paused time pass; it advances only when nothing is left to do before.
    pub(crate) async fn pass(&self, seconds: f64) {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }

    pub(crate) fn code(&self, name: &str) -> serde_json::Value {
        self.world.get(name).unwrap().fields["backend_code"].clone()
    }
}
