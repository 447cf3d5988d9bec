//! A controller whose step notes what is in the backend, and when something goes before it may.

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
    let text = "option app_label = \"deletion\";\nmessage Node (XOSBase) { optional manytoone up->Node:downs = 1:1001; \
        optional manytoone side->Node:sides = 2:1002; optional manytomany friends->Node:befriended = 3:1003; }";
    sources.add("node.xproto", text);
    compile(&sources).models
});

/// To make the HTTP client of a context takes longer than a graph.
static SERVICES: LazyLock<Services> = LazyLock::new(Services::default);

struct TokioClock(tokio::time::Instant);

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap() + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

/// What the step does, and what it did wrong.
#[derive(Clone)]
pub(crate) struct Backend(Arc<Mutex<State>>);

struct State {
    content: BTreeSet<String>,
    /// Who has to be gone before whom.
    before: BTreeMap<String, BTreeSet<String>>,
    wrongs: Vec<String>,
    /// Whose step runs.
    inside: BTreeSet<String>,
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

    pub(crate) fn content(&self) -> BTreeSet<String> {
        self.with(|state| state.content.clone())
    }

    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.with(|state| state.wrongs.clone())
    }

    /// A call takes a while, and one in five fails.
    async fn call(&self, name: &str) -> Result<Inside<'_>, StepError> {
        let (time, fails) = self.with(|state| {
            if !state.inside.insert(name.to_owned()) {
                state.wrongs.push(format!("{name} is handled twice at once"));
            }
            (state.random.random_range(0..700), state.random.random_bool(0.2))
        });
        let inside = Inside(self, name.to_owned());
        tokio::time::sleep(Duration::from_millis(time)).await;
        if fails { Err(StepError::failed("a bad day")) } else { Ok(inside) }
    }
}

impl SyncStep for Backend {
    type Model = Object;

    fn observes(&self) -> &str {
        "Node"
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        self.with(|state| state.content.insert(o.meta.name.clone()));
        self.call(&o.meta.name).await?;
        Ok(())
    }

    async fn delete_record(&self, _: &StepContext, o: &Object) -> Result<(), StepError> {
        let _inside = self.call(&o.meta.name).await?;
        self.with(|state| {
            let before = state.before.get(&o.meta.name).into_iter().flatten();
            let left: Vec<_> = before.filter(|other| state.content.contains(*other)).cloned().collect();
            if !left.is_empty() {
                state.wrongs.push(format!("{} goes before {left:?}", o.meta.name));
            }
            state.content.remove(&o.meta.name);
        });
        Ok(())
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
    pub(crate) fn new(before: BTreeMap<String, BTreeSet<String>>, seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let state = State { content: BTreeSet::new(), before, wrongs: vec![], inside: BTreeSet::new(), random };
        let backend = Backend(Arc::new(Mutex::new(state)));
        let registry = Arc::new(Registry::new("me", &MODELS, &Steps::new().sync_step(backend.clone())).unwrap());
        let clock = Arc::new(TokioClock(tokio::time::Instant::now()));
        let (api, _) = MemoryApi::new(Arc::clone(&registry), clock.clone());
        Self { api, backend, registry, clock, engine: None }
    }

    /// Starts a controller; the one that was there is killed.
    pub(crate) fn start(&mut self) {
        self.kill();
        let options = Options { concurrency: 3, ..Options::default() };
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

    fn kill(&mut self) {
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
    ObjectKey::new("Node", "default", name)
}
