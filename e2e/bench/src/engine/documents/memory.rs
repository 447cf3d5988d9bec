//! The step on an API server in memory: nothing else takes as long as the step itself, so that a difference shows.

use serde_json::json;
use xos_documents::Documents;
use xos_model::Object;
use xos_model::condition::{ConditionStatus, READY, find};
use xos_steps::Steps;
use xos_testing::World;

use super::{
    Backend, OF_RUST, ROUNDS, median,
    step::{DOCUMENT, HttpThing},
};
use crate::engine::{Error, Sizes, Usage, report::Goal, step::MODELS};

/// Objects for each second of processor time, of engine, step and backend together: what else runs on the machine counts
/// little.
#[derive(Clone, Copy, Debug)]
struct Rates {
    create: f64,
    update: f64,
}

/// Measures both, one after the other, in several rounds.
pub(super) async fn measure(sizes: Sizes) -> Result<Vec<Goal>, Error> {
    let backend = Backend::start()?;
    let document = || compiled(&[("thing.yaml", DOCUMENT)]);
    // What is made once, such as connections and the environment of expressions.
    run(&backend, document()?, sizes.documents / 10).await?;
    // Enough of them, as processor time is told in steps of 10 ms.
    let objects = sizes.documents * 2;
    let mut rounds = vec![];
    for _ in 0..ROUNDS {
        let rust = run(&backend, Steps::new().sync_step(HttpThing), objects).await?;
        rounds.push((rust, run(&backend, document()?, objects).await?));
    }
    let goal = |name: &str, of: fn(&Rates) -> f64| {
        let all = |rate: &dyn Fn(f64, f64) -> f64| {
            median(rounds.iter().map(|(rust, document)| rate(of(rust), of(document))).collect()).unwrap_or_default()
        };
        let ratio = all(&|rust, document| document / rust.max(1e-9));
        let more =
            format!("{:.0}, {:.0} for a second of processor time", all(&|_, document| document), all(&|rust, _| rust));
        Goal::at_least(format!("in memory: a step as a document / in Rust, {name}"), ratio, OF_RUST, "").with(more)
    };
    Ok(vec![goal("create", |rates| rates.create), goal("update", |rates| rates.update)])
}

/// Compiles documents for the models of the benchmark.
pub(super) fn compiled(documents: &[(&str, &str)]) -> Result<Steps, Error> {
    let models = xos_harness::models::from_text(MODELS)?;
    Documents::of(documents).compile(&models).map_err(|found| {
        let all: Vec<_> = found.iter().map(|one| one.render(false)).collect();
        Error::Documents(all.join("\n"))
    })
}

/// Has things made and changed, and returns how fast that was.
async fn run(backend: &Backend, steps: Steps, things: u32) -> Result<Rates, Error> {
    let settings = json!({"backend_url": backend.url()});
    let world = World::of(&[("bench.xproto", MODELS)]).steps(steps).settings(settings).start();
    let mut world = world.map_err(|error| Error::World(Box::new(error)))?;
    let mut all_set = async |first_name: &str| -> Result<f64, Error> {
        for at in 0..things {
            let mut thing = Object::named("Thing", "default", &format!("thing-{at}"));
            thing.set("first_name", json!(first_name));
            thing.set("last_name", json!("Lovelace"));
            world.apply(&thing).map_err(|error| Error::World(Box::new(error)))?;
        }
        let before = Usage::of(std::process::id())?.cpu;
        world.settle().await;
        let seconds = Usage::of(std::process::id())?.cpu.saturating_sub(before).as_secs_f64();
        let is_done = |thing: &Object| {
            find(&thing.status.conditions, READY).is_some_and(|ready| ready.status == ConditionStatus::True)
        };
        let done = world.api().objects().iter().filter(|thing| is_done(thing)).count();
        if done != usize::try_from(things).unwrap_or(usize::MAX) {
            return Err(Error::Documents(format!("{done} of {things} things are ready")));
        }
        Ok(f64::from(things) / seconds.max(1e-9))
    };
    Ok(Rates { create: all_set("Ada").await?, update: all_set("Augusta").await? })
}
