//! Deletion over links: 200 objects with random links are deleted in a random order, and none gets stuck.

use std::collections::HashMap;

use futures::StreamExt as _;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use xos_harness::example::SOON;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::{eventually, namespace};
use xos_runtime::Synchronizer;

const OBJECTS: usize = 200;
/// How many requests the operator sends at once.
const AT_ONCE: usize = 8;
const MODELS: &str = "option app_label = \"cascade\";
    message Base (XOSBase) { option abstract = True; required string name = 1 [max_length = 32]; }
    message Blue (Base) { optional manytoone up->Base:down = 1:1001; optional manytomany friends->Blue:of = 2:1002; }
    message Red (Base) { optional manytoone blue->Blue:reds = 1:1003; optional onetoone next->Red:previous = 2:1004; }";

fn kind(at: usize) -> &'static str {
    if at.is_multiple_of(3) { "Red" } else { "Blue" }
}

/// Returns the spec of an object with random links: trees, circles, many to many.
fn spec(at: usize, random: &mut StdRng) -> Value {
    let mut spec = json!({"name": format!("n{at}")});
    let to = |of: &dyn Fn(usize) -> bool, random: &mut StdRng| {
        let all: Vec<_> = (0..OBJECTS).filter(|other| of(*other)).collect();
        let other = all[random.random_range(0..all.len())];
        json!({"name": format!("o{other}")})
    };
    let red = |at: usize| kind(at) == "Red";
    let blue = |at: usize| kind(at) == "Blue";
    type Chosen<'a> = (&'a str, &'a dyn Fn(usize) -> bool, f64);
    let links: &[Chosen<'_>] =
        if red(at) { &[("blue", &blue, 0.7), ("next", &red, 0.2)] } else { &[("up", &|_| true, 0.7)] };
    for (link, of, share) in links {
        if random.random_bool(*share) {
            spec[*link] = to(of, random);
        }
    }
    if blue(at) && random.random_bool(0.3) {
        spec["friends"] = json!([to(&blue, random)]);
    }
    spec
}

#[tokio::test]
async fn objects_with_random_links_go_in_any_order() {
    let seed = std::env::var("XOS_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(5_u64);
    eprintln!("XOS_SEED={seed}");
    namespace::with("cascade", async |namespace| {
        let mut random = StdRng::seed_from_u64(seed);
        let calls = Calls::default();
        let synchronizer = Synchronizer::new("cascade")
            .models(&[("cascade.xproto", MODELS)])
            .policy(Scripted::noting("policy", "Blue", &calls).handling_delete())
            .sync_step(Scripted::noting("step", "Base", &calls));
        let controller =
            Controller::start(namespace, "cascade", synchronizer, &json!({"brakes": {"cascade": OBJECTS}})).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Blue").await.unwrap();
        objects.served("Red").await.unwrap();
        let mut order: Vec<usize> = (0..OBJECTS).collect();
        order.shuffle(&mut random);
        let specs: Vec<_> = order.iter().map(|&at| (at, spec(at, &mut random))).collect();
        let create = specs.into_iter().map(|(at, spec)| {
            let objects = &objects;
            async move { objects.create(kind(at), &format!("o{at}"), spec).await.unwrap() }
        });
        futures::stream::iter(create).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        all_ready(&objects).await;
        assert_eq!(synced_so_far(&calls), OBJECTS, "each once, in circles too");

        order.shuffle(&mut random);
        let delete = order.iter().map(|&at| {
            let objects = &objects;
            // It may have been deleted already, together with an object that it has a link to.
            async move { objects.delete(kind(at), &format!("o{at}")).await.map_or_else(drop, drop) }
        });
        futures::stream::iter(delete).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        eventually(SOON, "all to be gone", async || {
            let left = [objects.all("Red").await, objects.all("Blue").await].into_iter().flatten().flatten();
            let left: Vec<_> = left.map(|object| format!("{:#}", object["metadata"])).collect();
            if left.is_empty() { Ok(()) } else { Err(format!("{} left: {}", left.len(), left[0])) }
        })
        .await
        .unwrap();
        controller.stop().await.unwrap();
        let mut deletions: HashMap<String, usize> = HashMap::new();
        for call in calls.all().into_iter().filter(|call| call.starts_with("step delete")) {
            *deletions.entry(call).or_default() += 1;
        }
        assert_eq!((deletions.len(), deletions.values().max()), (OBJECTS, Some(&1)), "each once");
        assert_eq!(synced_so_far(&calls), OBJECTS, "and none was synchronized again");
    })
    .await
    .unwrap();
}

fn synced_so_far(calls: &Calls) -> usize {
    calls.all().iter().filter(|call| call.starts_with("step sync")).count()
}

async fn all_ready(objects: &Objects) {
    eventually(SOON, "all to be Ready", async || {
        let all = [objects.all("Red").await, objects.all("Blue").await].into_iter().flatten().flatten();
        let waiting: Vec<_> = all.filter(|object| !xos_harness::example::is_ready(object)).collect();
        if waiting.is_empty() { Ok(()) } else { Err(format!("{} are not: {:#}", waiting.len(), waiting[0])) }
    })
    .await
    .unwrap();
}
