//! A controller whose backend knows things by their serial numbers, so that deleting one of two of the same number deletes
//! the other one's entry.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use xos_engine::clock::Clock;
use xos_engine::memory::MemoryApi;
use xos_engine::{Engine, Options, Registry};
use xos_model::{Object, ObjectKey};
use xos_steps::{Services, StepContext, StepError, Steps, SyncStep};
use xos_xproto::{ModelSet, Sources, compile};

static MODELS: LazyLock<ModelSet> = LazyLock::new(|| {
    let mut sources = Sources::new();
    let text = "option app_label = \"unique\";\nmessage Thing (XOSBase) { \
        required string serial = 1 [max_length = 32, unique = True]; optional string note = 2 [max_length = 9]; }";
    sources.add("thing.xproto", text);
    compile(&sources).models
});

/// To make the HTTP client of a context takes longer than a story.
static SERVICES: LazyLock<Services> = LazyLock::new(Services::default);

/// Whole seconds, as creation times are.
struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap() + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

/// The backend, and what was called.
#[derive(Clone)]
pub(crate) struct Backend(Arc<Mutex<State>>);

struct State {
    /// By serial number: whose it is, and its note.
    content: BTreeMap<String, (String, Option<String>)>,
    calls: Vec<String>,
    inside: BTreeSet<String>,
    is_reliable: bool,
    random: StdRng,
}

/// A step's time inside: it ends when the step does, also when it is dropped.
struct Inside<'a>(&'a Backend, String);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.with(|state| state.inside.remove(&self.1));
    }
}

impl Backend {
    fn with<T>(&self, what: impl FnOnce(&mut State) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn content(&self) -> BTreeMap<String, (String, Option<String>)> {
        self.with(|state| state.content.clone())
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.with(|state| state.calls.clone())
    }

    /// Stores a thing, and nothing else under its number or of it.
    pub(crate) fn put(&self, serial: &str, o: &Object) {
        let note = o.text("note").map(str::to_owned);
        self.with(|state| {
            state.content.retain(|_, (owner, _)| *owner != o.meta.uid);
            state.content.insert(serial.to_owned(), (o.meta.uid.clone(), note));
        });
    }

    /// A call takes a while, and one in four fails, before or after it has had its effect.
    async fn call(&self, what: &str, o: &Object) -> Result<(), StepError> {
        let (before, after, fails, has_effect) = self.with(|state| {
            state.calls.push(format!("{what} {}", o.meta.name));
            assert!(state.inside.insert(o.meta.uid.clone()), "{} is handled twice at once", o.meta.name);
            let fails = !state.is_reliable && state.random.random_bool(0.25);
            let has_effect = !fails || state.random.random_bool(0.5);
            (state.random.random_range(0..500), state.random.random_range(0..500), fails, has_effect)
        });
        let _inside = Inside(self, o.meta.uid.clone());
        tokio::time::sleep(Duration::from_millis(before)).await;
        let serial = o.text("serial").unwrap_or_default();
        match what {
            _ if !has_effect => {}
            "sync" => self.put(serial, o),
            _ => self.with(|state| {
                state.content.remove(serial);
                state.content.retain(|_, (owner, _)| *owner != o.meta.uid);
            }),
        }
        tokio::time::sleep(Duration::from_millis(after)).await;
        if fails { Err(StepError::failed("a bad day")) } else { Ok(()) }
    }
}

impl SyncStep for Backend {
    type Model = Object;

    fn observes(&self) -> &str {
        "Thing"
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.call("sync", o).await
    }

    async fn delete_record(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        self.call("delete", o).await
    }
}

/// An API server in memory, a controller, and its backend.
pub(crate) struct World {
    pub(crate) api: MemoryApi,
    pub(crate) backend: Backend,
    registry: Arc<Registry>,
    clock: Arc<TokioClock>,
    engine: Option<JoinHandle<()>>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let (content, calls, inside) = (BTreeMap::new(), vec![], BTreeSet::new());
        let state = State { content, calls, inside, is_reliable: false, random };
        let backend = Backend(Arc::new(Mutex::new(state)));
        let registry = Arc::new(Registry::new("me", &MODELS, &Steps::new().sync_step(backend.clone())).unwrap());
        let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
        let (api, _) = MemoryApi::new(Arc::clone(&registry), clock.clone());
        Self { api, backend, registry, clock, engine: None }
    }

    /// Returns the same world with a backend that never fails.
    pub(crate) fn reliable(self) -> Self {
        self.backend.with(|state| state.is_reliable = true);
        self
    }

    /// Starts a controller; the one that was there is killed.
    pub(crate) fn start(&mut self) {
        self.kill();
        let options = Options { concurrency: 5, resync: None, ..Options::default() };
        let writer = Arc::new(self.api.clone());
        let engine =
            Engine::new(Arc::clone(&self.registry), writer, self.clock.clone(), SERVICES.clone(), options).unwrap();
        let mut shown = self.api.watch();
        let (sender, events) = mpsc::channel(1024);
        tokio::spawn(async move {
            while let Some(notice) = shown.recv().await {
                tokio::time::sleep(Duration::from_millis(2)).await;
                if sender.send(notice).await.is_err() {
                    return;
                }
            }
        });
        self.engine = Some(tokio::spawn(async move { engine.run(events, CancellationToken::new()).await.unwrap() }));
    }

    pub(crate) fn kill(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.abort();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn key(name: &str) -> ObjectKey {
    ObjectKey::new("Thing", "default", name)
}
