//! Measures what others notice of models that come, change and go: 200 objects are edited 300 times a second while
//! twenty kinds with 100 objects each (or as many as the arguments say) come, change, and go. The API server is in
//! memory, and the time is real.
//!
//! ```sh
//! cargo run --release -p xos-engine --example live
//! cargo run --release -p xos-engine --example live 20 500
//! ```

#![allow(clippy::print_stdout, missing_docs)]

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, interval, sleep};
use tokio_util::sync::CancellationToken;
use xos_engine::clock::SystemClock;
use xos_engine::memory::MemoryApi;
use xos_engine::watch::WatchEvent;
use xos_engine::{Engine, Options, Registry, RegistryChange};
use xos_model::condition::{ConditionStatus, READY, find};
use xos_model::{Object, ObjectKey};
use xos_steps::{Services, StepContext, StepError, Steps, SyncStep};
use xos_xproto::{Sources, compile};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn Error + Send + Sync>;

const STEADY: u64 = 200;
const RATE: u64 = 300;
const PHASE: Duration = Duration::from_secs(5);

/// A step of a kind; with an expectation of what its model is.
struct Step {
    model: String,
    has_note: bool,
}

impl SyncStep for Step {
    type Model = Object;

    fn observes(&self) -> &str {
        &self.model
    }

    async fn sync_record(&self, _: &StepContext, o: &mut Object) -> Result<(), StepError> {
        tokio::task::yield_now().await;
        match o.text("note") {
            Some(_) if !self.has_note => Err(StepError::failed("a step of a model that has no note sees one")),
            _ => Ok(()),
        }
    }

    async fn delete_record(&self, _: &StepContext, _: &Object) -> Result<(), StepError> {
        Ok(())
    }
}

/// Returns a registry with the steady kind and so many others, with a note or without.
fn registry(guests: usize, has_note: bool) -> Result<Arc<Registry>, Failure> {
    let note = if has_note { "optional string note = 2 [max_length = 32];" } else { "" };
    let mut text =
        String::from("option app_label = \"live\";\nmessage Steady (XOSBase) { optional int32 size = 1; }\n");
    let mut steps = Steps::new().sync_step(Step { model: "Steady".to_owned(), has_note: false });
    for guest in 0..guests {
        writeln!(text, "message Guest{guest} (XOSBase) {{ optional int32 size = 1; {note} }}")?;
        steps = steps.sync_step(Step { model: format!("Guest{guest}"), has_note });
    }
    let mut sources = Sources::new();
    sources.add("live.xproto", text);
    Ok(Arc::new(Registry::new("live", &compile(&sources).models, &steps)?))
}

/// When each edit was made, and how long those took of which it is known.
#[derive(Clone, Default)]
struct Times(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    begun: HashMap<(ObjectKey, i64), Instant>,
    took: Vec<Duration>,
}

impl Times {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn edited(&self, object: &Object) {
        self.known().begun.insert((object.key(), object.meta.generation), Instant::now());
    }

    async fn watch(self, mut shown: UnboundedReceiver<WatchEvent>) {
        while let Some(event) = shown.recv().await {
            let WatchEvent::Apply(object) = event else { continue };
            let Some(generation) = ready_at(&object) else { continue };
            let mut known = self.known();
            if let Some(begun) = known.begun.remove(&(object.key(), generation)) {
                known.took.push(begun.elapsed());
            }
        }
    }

    /// Tells of the edits since the last call.
    fn tell(&self, api: &MemoryApi, phase: &str) {
        // What the API server in memory keeps for tests.
        drop((api.take_changes(), api.take_events()));
        let mut took = std::mem::take(&mut self.known().took);
        took.sort();
        let at = |part: f64| took.get((took.len() as f64 * part) as usize).copied().unwrap_or_default();
        println!(
            "{phase}: {} edits, Ready after {:.1?} (median), {:.1?} (p99), {:.1?} (at most); {} MiB",
            took.len(),
            at(0.5),
            at(0.99),
            took.last().copied().unwrap_or_default(),
            resident_mib()
        );
    }

    fn waiting(&self) -> usize {
        self.known().begun.len()
    }
}

fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn object(model: &str, name: &str) -> Object {
    let mut object = Object::named(model, "default", name);
    object.set("size", json!(0));
    object
}

/// Edits one object after the other, at a steady pace.
async fn edit(api: MemoryApi, times: Times, stop: CancellationToken) {
    let mut pace = interval(Duration::from_micros(1_000_000 / RATE));
    for edit in 0u64.. {
        if stop.run_until_cancelled(pace.tick()).await.is_none() {
            return;
        }
        let key = ObjectKey::new("Steady", "default", &format!("s{}", edit % STEADY));
        if let Some(edited) = api.edit(&key, |object| object.set("size", json!(edit + 1))) {
            times.edited(&edited);
        }
    }
}

/// Lets the engine use another registry, and returns when it does.
async fn take_up(api: &MemoryApi, registry: Arc<Registry>) -> Result<(), Failure> {
    let (done, mut changed) = unbounded_channel();
    let difference = api.define(&registry);
    api.ask_for(RegistryChange { registry, dependencies: vec![], done });
    changed.recv().await.ok_or("the engine has ended")??;
    api.list_anew(&difference);
    Ok(())
}

/// Makes a thousand objects a second.
async fn make_guests(api: &MemoryApi, kinds: usize, guests: usize) {
    let mut pace = interval(Duration::from_millis(10));
    for at in 0..kinds * guests {
        if at % 10 == 0 {
            pace.tick().await;
        }
        api.apply(&object(&format!("Guest{}", at % kinds), &format!("g{}", at / kinds)));
    }
}

fn forward(to: Sender<WatchEvent>) -> UnboundedSender<WatchEvent> {
    let (sender, mut events) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if to.send(event).await.is_err() {
                return;
            }
        }
    });
    sender
}

fn of_steady(event: &WatchEvent) -> bool {
    matches!(event, WatchEvent::Apply(object) if *object.model == *"Steady")
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
    let kinds = arguments.next().transpose()?.unwrap_or(20);
    let guests = arguments.next().transpose()?.unwrap_or(100);
    let registry_without = registry(0, false)?;
    let clock = Arc::new(SystemClock);
    let (api, mut shown) = MemoryApi::new(Arc::clone(&registry_without), clock.clone());
    let times = Times::default();
    let engine = Engine::new(registry_without, Arc::new(api.clone()), clock, Services::default(), Options::default())?;
    let (sender, events) = mpsc::channel(1000);
    // Each kind has a watch of its own.
    let steady = forward(sender.clone());
    let others = forward(sender);
    tokio::spawn(async move {
        while let Some(event) = shown.recv().await {
            let to = if of_steady(&event) { &steady } else { &others };
            if to.send(event).is_err() {
                return;
            }
        }
    });
    let (stop, edited_enough) = (CancellationToken::new(), CancellationToken::new());
    let running = tokio::spawn(engine.run(events, stop.clone()));
    for name in 0..STEADY {
        api.apply(&object("Steady", &format!("s{name}")));
    }
    sleep(Duration::from_secs(1)).await;
    tokio::spawn(times.clone().watch(api.watch()));
    let editing = tokio::spawn(edit(api.clone(), times.clone(), edited_enough.clone()));
    sleep(PHASE).await;
    times.tell(&api, "before");
    for round in ["first", "again"] {
        take_up(&api, registry(kinds, true)?).await?;
        sleep(PHASE).await;
        times.tell(&api, &format!("{round}: {kinds} kinds have come"));
        make_guests(&api, kinds, guests).await;
        times.tell(&api, &format!("{round}: {} objects of them have come", kinds * guests));
        take_up(&api, registry(kinds, false)?).await?;
        sleep(PHASE).await;
        times.tell(&api, &format!("{round}: the kinds have changed"));
        let unfinished = api.objects().iter().filter(|object| !is_done(object)).count();
        take_up(&api, registry(0, false)?).await?;
        sleep(PHASE).await;
        times.tell(
            &api,
            &format!("{round}: the kinds and their objects have gone; {unfinished} of those were not Ready"),
        );
    }
    edited_enough.cancel();
    editing.await?;
    // What was edited last is handled as well.
    sleep(Duration::from_secs(1)).await;
    stop.cancel();
    let behind = api.objects().iter().filter(|object| !is_done(object)).count();
    println!(
        "{} edits were followed by the next before their object was Ready; {behind} objects are not",
        times.waiting()
    );
    running.await??;
    Ok(())
}

/// Returns the generation at which an object is Ready, if it is.
fn ready_at(object: &Object) -> Option<i64> {
    let ready = find(&object.status.conditions, READY).filter(|ready| ready.status == ConditionStatus::True);
    ready?.observed_generation
}

fn is_done(object: &Object) -> bool {
    ready_at(object) == Some(object.meta.generation)
}
