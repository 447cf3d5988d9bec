//! How long the order of dirty objects takes to plan: a chain, a tree, random links; 1,000 to 100,000 objects.
//!
//! `cargo run --release -p xos-model --example planning`. XOS 4.0.4 needs 232 s for a chain of 3,000.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::json;
use xos_model::graph::{Blocker, Graph, GraphError, Standing, Waits};
use xos_model::{Intent, Meta, Object, ObjectKey, SpecHash, Status};
use xos_xproto::{ModelSet, Sources, compile};

const RUNS: usize = 5;

fn main() -> Result<(), GraphError> {
    println!("{:<8} {:>8} {:>10} {:>12} {:>8}", "links", "objects", "load ms", "plan ms", "µs each");
    for (what, peers) in SHAPES {
        for n in [1_000, 10_000, 100_000] {
            let objects: Vec<_> = (0..n).map(|at| object(at, &peers(at, n))).collect();
            let mut times: Vec<_> = (0..RUNS).map(|_| plan(&objects)).collect::<Result<_, _>>()?;
            times.sort_by_key(|(_, plan)| *plan);
            let (load, plan) = times[RUNS / 2];
            let each = plan.as_secs_f64() * 1e6 / f64::from(n);
            println!("{what:<8} {n:>8} {:>10.1} {:>12.1} {each:>8.2}", ms(load), ms(plan));
        }
    }
    Ok(())
}

/// The numbers of the objects that an object of `n` links to.
type Peers = fn(u32, u32) -> Vec<u32>;

const SHAPES: [(&str, Peers); 4] = [
    ("chain", |at, _| at.checked_sub(1).into_iter().collect()),
    ("tree", |at, _| if at == 0 { vec![] } else { vec![(at - 1) / 2] }),
    ("random", |at, n| (1..=3).map(|k| mix(at * 4 + k) % n).filter(|peer| *peer < at).collect()),
    ("star", |at, _| if at == 0 { vec![] } else { vec![0] }),
];

/// Returns a number that looks random but is the same in every run.
fn mix(n: u32) -> u32 {
    let n = (n ^ (n >> 16)).wrapping_mul(0x45d9_f3b5);
    let n = (n ^ (n >> 16)).wrapping_mul(0x45d9_f3b5);
    n ^ (n >> 16)
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Plans objects that are all dirty, in the worst order: dependants first. Each is "handled" as soon as it need not
/// wait.
fn plan(objects: &[Object]) -> Result<(Duration, Duration), GraphError> {
    let start = Instant::now();
    let mut graph = Graph::new(&models(), &[])?;
    for object in objects {
        graph.insert(object, Standing::Unsettled);
    }
    let load = start.elapsed();
    let start = Instant::now();
    let mut waits = Waits::default();
    let mut queue: VecDeque<ObjectKey> = objects.iter().rev().map(Object::key).collect();
    let mut handled = 0;
    while let Some(key) = queue.pop_front() {
        let blockers = waits.find(&graph, &key);
        if !blockers.is_empty() {
            waits.set(&key, blockers, false);
            continue;
        }
        waits.forget(&key);
        handled += 1;
        graph.set_standing(&key, Standing::Settled);
        queue.extend(waits.wake(&Blocker::Object(key)).free);
    }
    assert_eq!(handled, objects.len(), "all are handled, each once");
    Ok((load, start.elapsed()))
}

fn models() -> ModelSet {
    let mut sources = Sources::new();
    sources
        .add("m.xproto", "option app_label = \"m\";\nmessage M (XOSBase) { optional manytomany on->M:by = 1:1001; }");
    compile(&sources).models
}

fn object(at: u32, peers: &[u32]) -> Object {
    let name = format!("object-{at}");
    let peers: Vec<_> = peers.iter().map(|peer| json!({"name": format!("object-{peer}")})).collect();
    Object {
        model: "M".into(),
        meta: Meta { namespace: "default".to_owned(), name: name.clone(), ..Meta::default() },
        fields: [("on", json!(peers))].into(),
        intent: Intent { spec: SpecHash::of(&json!(name)), touch: None, secrets: None },
        unswitched: vec![],
        quiet_saves: vec![],
        status: Status::default(),
    }
}
