//! Event steps that create objects, and pull steps.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};
use xos_harness::{
    inprocess::{Controller, Objects},
    kafka::Kafka,
    models, namespace,
    wait::eventually,
};
use xos_model::{NaturalKey, Object};
use xos_runtime::Synchronizer;
use xos_steps::{BusEvent, EventStep, PullStep, StepContext, StepError};

use super::{Error, count::Count, memory, messages::per_second, print};

const MODELS: &str = "option app_label = \"figures\";
    message Thing (XOSBase) { required string name = 1 [max_length = 32]; optional string state = 2 [max_length = 32];
        optional string site = 3 [max_length = 32]; }";
const DONE: Duration = Duration::from_secs(600);
/// How many requests run at once: as many as an event step handles.
const AT_ONCE: usize = 16;

/// Creates a thing for each message.
#[derive(Clone)]
struct MakeThings(Arc<Count>);

impl EventStep for MakeThings {
    const TOPICS: &'static [&'static str] = &["things"];
    async fn process_event(&self, ctx: &StepContext, event: &BusEvent) -> Result<(), StepError> {
        let mut thing = Object::named("Thing", "", "");
        thing.set("name", event.json::<Value>()?["name"].clone());
        thing.set("site", json!("rome"));
        // A usual query: a field that differs for each object, and one that is equal.
        ctx.models_of("Thing").find_or_create(thing, ["site", "name"]).await?;
        self.0.one();
        Ok(())
    }
}

/// Measures objects a second that are created for messages, compared with creating them directly.
pub(super) async fn events(kafka: &Kafka, count: usize) -> Result<(), Error> {
    let measured = namespace::with("figures", async |namespace| -> Result<(f64, f64), Error> {
        let made = Arc::<Count>::default();
        let synchronizer = Synchronizer::new("figures").models(&[("figures.xproto", MODELS)]);
        let synchronizer = synchronizer.event_step(MakeThings(Arc::clone(&made)));
        let config = json!({"event_bus": {"endpoint": kafka.endpoint()}});
        kafka.client().create_topic("things", 4).await?;
        let controller = Controller::start(namespace, "figures", synchronizer, &config)?;
        let objects = Objects::new(namespace, MODELS)?;
        objects.served("Thing").await?;
        // Warm up, and wait until the consumer group has formed.
        kafka.client().send("things", &named("warm", AT_ONCE)).await?;
        made.until(AT_ONCE).await?;
        let mut raw = vec![];
        let mut ours = vec![];
        for round in 0..3 {
            raw.push(make(&objects, &format!("raw{round}"), count).await?);
            let before = made.now();
            let start = Instant::now();
            kafka.client().send("things", &named(&format!("event{round}"), count)).await?;
            made.until(before + count).await?;
            ours.push(per_second(count, start.elapsed()));
        }
        controller.stop().await?;
        let best = |all: Vec<f64>| all.into_iter().fold(0.0, f64::max);
        Ok((best(raw), best(ours)))
    });
    let (raw, ours) = measured.await??;
    print("objects made directly, 16 at once", &format!("{raw:.0} objects/s"), "");
    print("objects made of messages", &format!("{ours:.0} objects/s"), "");
    print("… of the direct way", &format!("{:.2}", ours / raw), "≥ 0.8");
    Ok(())
}

fn named(prefix: &str, count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("k{n}"), json!({"name": format!("{prefix}-{n}")}).to_string())).collect()
}

async fn make(objects: &Objects, prefix: &str, count: usize) -> Result<f64, Error> {
    let api = objects.api("Thing")?;
    let models = models::from_text(MODELS)?;
    let kind =
        models.get("Thing").map(xos_crds::api_resource).ok_or_else(|| models::Error::Unknown("Thing".to_owned()))?;
    let start = Instant::now();
    let each = stream::iter(0..count).map(|n| {
        let name = format!("{prefix}-{n}");
        let object = DynamicObject::new(&name, &kind).data(json!({"spec": {"name": name, "site": "rome"}}));
        let api = api.clone();
        async move { api.create(&PostParams::default(), &object).await.map(drop) }
    });
    each.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(per_second(count, start.elapsed()))
}

/// Lists a number of things, and records for each run the duration, the changes and the memory.
struct PullThings(usize, Arc<Mutex<Vec<(Duration, String, f64)>>>);

impl PullStep for PullThings {
    type Model = Object;
    fn observes(&self) -> &str {
        "Thing"
    }
    fn period(&self) -> Duration {
        Duration::from_secs(1)
    }
    async fn pull_records(&self, ctx: &StepContext) -> Result<(), StepError> {
        let names: Vec<String> = (0..self.0).map(|n| format!("thing-{n}")).collect();
        let start = Instant::now();
        let new = |_: &String| Object::named("Thing", "", "");
        let listing = ctx.listing_of("Thing", NaturalKey);
        let pulled = listing.reconcile(&names, new, |name, o| {
            o.set("name", json!(name));
            o.set("state", json!("up"));
        });
        let pulled = pulled.await?;
        let run = (start.elapsed(), pulled.to_string(), memory().unwrap_or_default());
        self.1.lock().unwrap_or_else(PoisonError::into_inner).push(run);
        Ok(())
    }
}

/// Measures pulls of many things that have not changed.
pub(super) async fn pull(count: usize) -> Result<(), Error> {
    let runs = Arc::new(Mutex::new(vec![]));
    let measured = namespace::with("pull-figures", async |namespace| -> Result<(), Error> {
        let synchronizer = Synchronizer::new("pulling").models(&[("figures.xproto", MODELS)]);
        let synchronizer = synchronizer.pull_step(PullThings(count, Arc::clone(&runs)));
        let controller = Controller::start(namespace, "pulling", synchronizer, &Value::Null)?;
        let enough = async || {
            let runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
            if runs.len() >= 6 { Ok(()) } else { Err(format!("{runs:?}")) }
        };
        eventually(DONE, "six runs", enough).await?;
        Ok(controller.stop().await?)
    });
    measured.await??;
    let runs = runs.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (Some(first), Some(second), Some(last)) = (runs.first(), runs.get(1), runs.last()) else {
        return Err(Error::Pull("it did not run".to_owned()));
    };
    let expected = format!("0 made, 0 saved, 0 deleted, {count} unchanged, 0 left alone");
    if last.1 != expected {
        return Err(Error::Pull(last.1.clone()));
    }
    print(&format!("a first pull of {count} things"), &format!("{:.1} s", first.0.as_secs_f64()), "");
    print("… one of the same, unchanged", &format!("{:.0} ms, no write", last.0.as_secs_f64() * 1000.0), "0 writes");
    print("… memory after the second run, and after the sixth", &format!("{:.0} and {:.0} MiB", second.2, last.2), "");
    Ok(())
}
