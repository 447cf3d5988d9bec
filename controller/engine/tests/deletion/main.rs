//! Whatever is linked with what, and in whatever order it is deleted: all that has to go goes, those that lead to
//! others before them, nothing else goes, and nothing stays in the backend. With cycles, failing steps,
//! write-protection that is released later, and a restart in between.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use world::{World, key};
use xos_model::Object;

/// How many graphs are tried.
const GRAPHS: u64 = 250;
/// Until all is done, retries and all.
const DONE: Duration = Duration::from_secs(3600);
/// The links by which others are taken along, and one by which they are not.
const LINKS: [&str; 2] = ["up", "side"];

fn seed() -> u64 {
    let seed = std::env::var("XOS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(rand::random);
    eprintln!("XOS_SEED={seed}");
    seed
}

/// Nodes and where their to-one links lead, each an index.
#[derive(Debug)]
struct Plan {
    links: Vec<Vec<(&'static str, usize)>>,
    friends: Vec<Option<usize>>,
    is_protected: Vec<bool>,
    /// Who is deleted, and when: not before the controller has seen it, since then nobody knows that it was there.
    deletions: Vec<(u64, usize)>,
}

impl Plan {
    fn random(random: &mut StdRng) -> Self {
        let nodes = random.random_range(2..10);
        let mut to = |chance: f64| random.random_bool(chance).then(|| random.random_range(0..nodes));
        let links = |to: &mut dyn FnMut(f64) -> Option<usize>| {
            LINKS.into_iter().filter_map(|link| to(0.4).map(|peer| (link, peer))).collect::<Vec<_>>()
        };
        let links = (0..nodes).map(|_| links(&mut to)).collect();
        let friends = (0..nodes).map(|_| to(0.3)).collect();
        let is_protected = (0..nodes).map(|_| to(0.2).is_some()).collect();
        let deletions = 0..random.random_range(1..4);
        let mut deletions: Vec<_> =
            deletions.map(|_| (random.random_range(5000..13_000), random.random_range(0..nodes))).collect();
        deletions.sort_unstable();
        Self { links, friends, is_protected, deletions }
    }

    /// Who leads to whom, through others too.
    fn reach(&self) -> Vec<BTreeSet<usize>> {
        let reach = |from: usize| {
            let mut found = BTreeSet::new();
            let mut open = vec![from];
            while let Some(at) = open.pop() {
                open.extend(self.links[at].iter().map(|(_, to)| *to).filter(|to| found.insert(*to)));
            }
            found
        };
        (0..self.links.len()).map(reach).collect()
    }

    /// Who stays.
    fn left(&self) -> BTreeSet<String> {
        let reach = self.reach();
        let asked = self.deletions.iter().map(|(_, node)| *node).collect::<BTreeSet<_>>();
        let goes = |node: &usize| asked.contains(node) || !reach[*node].is_disjoint(&asked);
        (0..self.links.len()).filter(|node| !goes(node)).map(name).collect()
    }

    /// Of each node those that have to be gone before it: they lead to it, and it does not lead to them.
    fn before(&self) -> BTreeMap<String, BTreeSet<String>> {
        let reach = self.reach();
        let leads = |from: usize, to: usize| self.links[from].iter().any(|(_, peer)| *peer == to);
        let of = |node: usize| {
            let sources = (0..self.links.len()).filter(|from| leads(*from, node) && !reach[node].contains(from));
            sources.map(name).collect()
        };
        (0..self.links.len()).map(|node| (name(node), of(node))).collect()
    }

    fn object(&self, node: usize) -> Object {
        let mut o = Object::named("Node", "default", &name(node));
        for (link, to) in &self.links[node] {
            o.set(link, json!({"name": name(*to)}));
        }
        // Who stays would wait for a friend that is gone.
        let left = self.left();
        if let Some(friend) = self.friends[node].filter(|friend| left.contains(&name(*friend))) {
            o.set("friends", json!([{"name": name(friend)}]));
        }
        o.set("write_protect", json!(self.is_protected[node]));
        o
    }
}

fn name(node: usize) -> String {
    format!("n{node}")
}

#[tokio::test(start_paused = true)]
async fn whoever_is_deleted_takes_along_what_leads_to_it_and_in_order() {
    let seed = seed();
    for number in 0..GRAPHS {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(number));
        let plan = Plan::random(&mut random);
        let mut world = World::new(plan.before(), random.random());
        world.start();
        for node in 0..plan.links.len() {
            world.api.apply(&plan.object(node)).unwrap();
        }
        let start = tokio::time::Instant::now();
        for (at, node) in &plan.deletions {
            tokio::time::sleep_until(start + Duration::from_millis(*at)).await;
            world.api.remove(&key(&name(*node)));
            if random.random_bool(0.3) {
                world.start();
            }
        }
        tokio::time::sleep(DONE).await;
        for node in 0..plan.links.len() {
            world.api.edit(&key(&name(node)), |o| o.set("write_protect", Value::Null));
        }
        tokio::time::sleep(DONE).await;
        let left: BTreeSet<_> = world.api.objects().iter().map(|o| o.meta.name.clone()).collect();
        let context = format!("XOS_SEED={}, {plan:?}", seed.wrapping_add(number));
        assert_eq!(left, plan.left(), "{context}");
        assert_eq!(world.backend.content(), left, "{context}: the backend");
        assert_eq!(world.backend.wrongs(), Vec::<String>::new(), "{context}");
    }
}
