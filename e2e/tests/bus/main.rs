//! Event steps on a real Kafka, without a control plane: one behaviour per file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests")]

mod aborts;
mod anew;
mod away;
mod chaos;
mod commits;
mod delivery;
mod ends;
mod group;
mod outage;
mod panics;
mod parked;
mod parked_topics;
mod parking;
mod positions;
mod pressure;
mod processes;
mod retention;
mod rights;
mod secure;
mod silent;
mod topics;

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use xos_bus::{Bus, BusError, BusOptions, ConsumerState, ConsumerStates, Settings};
use xos_harness::eventually;
use xos_harness::kafka::Client;
use xos_model::{Backoff, Object};
use xos_steps::{
    BusEvent, DynEventStep, Event, EventSink, EventStep, Services, StepContext, StepError, erase_event_step,
};

/// Until something that is about to happen is seen.
const SOON: Duration = Duration::from_secs(60);

/// What a step does with an event.
type Script = Arc<dyn Fn(BusEvent) -> BoxFuture<'static, Result<(), StepError>> + Send + Sync>;

/// A step that does what its script says, and then notes the event's value.
#[derive(Clone)]
struct Noting {
    name: &'static str,
    topics: Vec<String>,
    pattern: Option<String>,
    script: Script,
    notes: Notes,
}

/// The values of the events that were handled, in order.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, what: impl Display) {
        self.0.lock().unwrap().push(what.to_string());
    }

    /// Waits until so many are there.
    async fn count(&self, count: usize) -> Vec<String> {
        self.until(&format!("{count} events"), |all| all.len() >= count).await
    }

    async fn until(&self, what: &str, holds: impl Fn(&[String]) -> bool) -> Vec<String> {
        let look = async || {
            let all = self.all();
            if holds(&all) { Ok(all) } else { Err(format!("{} events, the last {:?}", all.len(), all.last())) }
        };
        eventually(SOON, what, look).await.unwrap()
    }
}

impl Noting {
    fn on(name: &'static str, topics: &[&str]) -> Self {
        let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
        Self { name, topics, pattern: None, script: Arc::new(|_| async { Ok(()) }.boxed()), notes: Notes::default() }
    }

    fn doing<F>(mut self, script: impl Fn(BusEvent) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<(), StepError>> + Send + 'static,
    {
        self.script = Arc::new(move |event| script(event).boxed());
        self
    }
}

impl EventStep for Noting {
    fn topics(&self) -> Vec<String> {
        self.topics.clone()
    }
    fn pattern(&self) -> Option<String> {
        self.pattern.clone()
    }
    fn name(&self) -> &str {
        self.name
    }
    async fn process_event(&self, _: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        (self.script)(event.clone()).await?;
        self.notes.add(event.text()?);
        Ok(())
    }
}

/// The Kubernetes Events of the namespace.
#[derive(Default)]
struct EventLog {
    events: Mutex<Vec<String>>,
    /// Whether to panic when the consumer thread reports that the bus is down.
    panics: AtomicBool,
}

impl EventSink for EventLog {
    fn publish(&self, _: &Object, _: Event) {}

    fn publish_in_namespace(&self, namespace: &str, event: Event) {
        assert!(event.reason != "EventBusDown" || !self.panics.load(Ordering::SeqCst), "the sink of events panics");
        self.events.lock().unwrap().push(format!("{namespace}: {event}"));
    }
}

impl EventLog {
    fn count(&self, reason: &str) -> usize {
        self.events.lock().unwrap().iter().filter(|event| event.contains(reason)).count()
    }

    fn clear(&self) {
        self.events.lock().unwrap().clear();
    }

    fn has(&self, reason: &str) -> bool {
        self.events.lock().unwrap().iter().any(|event| event.starts_with("default: ") && event.contains(reason))
    }
}

/// Event steps at work.
struct Running {
    events: Arc<EventLog>,
    states: ConsumerStates,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

/// Settings for quick tests.
fn settings(endpoint: &str) -> Settings {
    let properties = [
        ("topic.metadata.refresh.interval.ms", "500"),
        ("statistics.interval.ms", "500"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "500"),
        ("reconnect.backoff.max.ms", "500"),
    ];
    Settings {
        endpoints: vec![endpoint.to_owned()],
        properties: properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        attempts: 3,
        retry: Backoff { initial: Duration::from_millis(50), max: Duration::from_millis(200), jitter: 0.1 },
        ..Settings::default()
    }
}

impl Running {
    fn start(settings: &Settings, synchronizer: &str, steps: &[&Noting]) -> Self {
        Self::try_start(settings, synchronizer, steps).unwrap()
    }

    fn start_step(settings: &Settings, synchronizer: &str, step: impl EventStep) -> Self {
        Self::start_all(settings, synchronizer, vec![erase_event_step(step)]).unwrap()
    }

    fn try_start(settings: &Settings, synchronizer: &str, steps: &[&Noting]) -> Result<Self, BusError> {
        let steps = steps.iter().map(|&step| erase_event_step(step.clone())).collect();
        Self::start_all(settings, synchronizer, steps)
    }

    fn start_all(settings: &Settings, synchronizer: &str, steps: Vec<Arc<dyn DynEventStep>>) -> Result<Self, BusError> {
        let options = BusOptions {
            synchronizer: synchronizer.to_owned(),
            namespace: "default".to_owned(),
            time_limit: Duration::from_secs(60),
            shutdown_grace: Duration::from_secs(10),
        };
        let bus = Bus::new(steps, settings, options)?;
        let states = bus.states();
        let shutdown = CancellationToken::new();
        let events = Arc::new(EventLog::default());
        let services = Arc::new(Services { events: Arc::<EventLog>::clone(&events), ..Services::default() });
        let (ready, when) = watch::channel(true);
        let until = shutdown.clone();
        let running = tokio::spawn(async move {
            bus.run(services, when, until).await;
            drop(ready);
        });
        Ok(Self { events, states, shutdown, running })
    }

    fn state(&self) -> ConsumerState {
        self.states.all().into_iter().next().unwrap()
    }

    async fn until(&self, what: &str, holds: impl Fn(&ConsumerState) -> bool) -> ConsumerState {
        let look = async || {
            let state = self.state();
            if holds(&state) { Ok(state) } else { Err(format!("{state:?}")) }
        };
        eventually(4 * SOON, what, look).await.unwrap()
    }

    /// Stops it. What was handled is to be looked at after this: until then an event may be handled twice.
    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(SOON, self.running).await.unwrap().unwrap();
    }

    /// Ends it without any goodbye of its own.
    async fn abort(self) {
        self.running.abort();
        let _aborted = self.running.await;
    }
}

/// Waits until a group has committed these offsets, by partition.
async fn committed(client: &Client, group: &str, topic: &str, offsets: &[Option<i64>]) {
    let look = async || {
        let committed = client.committed(group, topic).unwrap();
        if committed == offsets { Ok(()) } else { Err(format!("{committed:?}")) }
    };
    eventually(SOON, "the commit", look).await.unwrap();
}

/// A name that no other test has.
fn unique(name: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Messages `<key>:<number>`, each key's in order.
fn numbered(keys: usize, count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("k{}", n % keys), format!("k{}:{n}", n % keys))).collect()
}

/// Whether the numbers of each key only grow.
fn in_order(values: &[String]) -> bool {
    let mut last = std::collections::HashMap::new();
    values.iter().all(|value| {
        let (key, number) = value.split_once(':').unwrap();
        let number: usize = number.parse().unwrap();
        last.insert(key.to_owned(), number).is_none_or(|before| before < number)
    })
}

/// Sorted, each once.
fn distinct(values: &[String]) -> Vec<String> {
    let mut all = values.to_vec();
    all.sort();
    all.dedup();
    all
}

#[test]
fn every_promise_of_the_docs_has_its_test() {
    let docs = std::fs::read_to_string(xos_harness::paths::repository().join("docs/pull-and-events.md")).unwrap();
    let (_, table) = docs.split_once("### Case by case").unwrap();
    let (table, _) = table.split_once("\n## ").unwrap();
    let tests = table.lines().filter_map(|line| line.trim_end_matches(" |").rsplit_once("| `")?.1.strip_suffix('`'));
    let mut count = 0;
    for test in tests {
        let (module, name) = test.split_once("::").unwrap();
        let folder = xos_harness::paths::repository().join("e2e/tests/bus");
        let file = [folder.join(format!("{module}.rs")), folder.join(module).join("mod.rs")];
        let text: String = file.iter().filter_map(|file| std::fs::read_to_string(file).ok()).collect();
        assert!(text.contains(&format!("fn {name}(")), "there is no test {test}");
        count += 1;
    }
    assert!(count > 20, "{count} promises");
}
