use super::*;
use crate::intent::{Intent, SpecHash};
use crate::object::Meta;
use crate::status::Status;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::HashSet;
use xos_xproto::{Sources, compile};

/// B is a base of C; A leads to them in every way.
const MODELS: &str = r#"
option app_label = "test";
message B (XOSBase) { optional manytoone up->B:downs = 1:1001; }
message C (B) { }
message A (XOSBase) {
    optional manytoone one->B:ones = 1:1002;
    optional manytomany many->B:manies = 2:1003;
    optional manytoone next->A:previous = 3:1001;
}
"#;

fn models() -> ModelSet {
    let mut sources = Sources::new();
    sources.add("test.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    compiled.models
}

fn graph(extra: &[(&str, &str, &str)]) -> Graph {
    let extra = extra.iter().map(|(model, on, port)| ExtraDependency {
        model: (*model).to_owned(),
        on: (*on).to_owned(),
        port: (*port).to_owned(),
    });
    Graph::new(&models(), &extra.collect::<Vec<_>>()).unwrap()
}

fn object(model: &str, name: &str, fields: Value) -> Object {
    Object {
        model: model.into(),
        meta: Meta { namespace: "n".to_owned(), name: name.to_owned(), ..Meta::default() },
        fields: serde_json::from_value(fields).unwrap(),
        intent: Intent { spec: SpecHash::of(&json!(name)), touch: None, secrets: None },
        unswitched: vec![],
        quiet_saves: vec![],
        status: Status::default(),
    }
}

fn key(model: &str, name: &str) -> ObjectKey {
    ObjectKey::new(model, "n", name)
}

/// Looks for what an object has to wait for, and registers it.
fn look(waits: &mut Waits, graph: &Graph, key: &ObjectKey) -> Vec<Blocker> {
    let blockers = waits.find(graph, key);
    waits.set(key, blockers.clone(), false);
    blockers
}

/// Looks at an object that is being deleted, as are all others.
fn look_deleting(waits: &mut Waits, graph: &Graph, key: &ObjectKey) -> Vec<Blocker> {
    let blockers = waits.find_deleting(graph, key, |_| true);
    waits.set(key, blockers.clone(), true);
    blockers
}

fn names(keys: impl IntoIterator<Item = ObjectKey>) -> Vec<String> {
    keys.into_iter().map(|key| key.name.to_string()).collect()
}

#[test]
fn links_lead_forward_and_back() {
    let mut g = graph(&[]);
    let a =
        object("A", "a", json!({"one": {"name": "b"}, "many": [{"name": "c"}, {"name": "later", "namespace": "m"}]}));
    g.insert(&a, Standing::Settled);
    g.insert(&object("B", "b", json!({})), Standing::Settled);
    g.insert(&object("C", "c", json!({"up": {"name": "b"}})), Standing::Settled);
    assert_eq!(names(g.linked(&key("A", "a"), "one")), ["b"]);
    assert_eq!(g.linked(&key("A", "a"), "many"), [key("C", "c")], "an heir of the peer's model");
    assert_eq!(names(g.linked_back(&key("B", "b"), "ones")), ["a"]);
    assert_eq!(names(g.linked_back(&key("B", "b"), "downs")), ["c"]);
    assert_eq!(names(g.linked_back(&key("C", "c"), "manies")), ["a"], "a base's port");
    assert!(g.linked_back(&key("C", "c"), "ones").is_empty());
    let address = Address { class: "B".into(), namespace: "m".into(), name: "later".into() };
    let wanted = [Dependency::Present(key("B", "b")), Dependency::Present(key("C", "c")), Dependency::Missing(address)];
    assert_eq!(g.dependencies(&key("A", "a")).collect::<Vec<_>>(), wanted);
    assert_eq!(names(g.dependants(&key("B", "b"))), ["a", "c"]);
    assert_eq!(names(g.cascade(&key("B", "b"))), ["a", "c"]);
    assert!(g.cascade(&key("C", "c")).is_empty(), "a many-to-many link does not cascade");

    g.insert(&object("A", "a", json!({})), Standing::Settled);
    assert!(g.dependants(&key("C", "c")).is_empty() && g.linked_back(&key("B", "b"), "ones").is_empty());
    g.remove(&key("C", "c"));
    assert!(g.dependants(&key("B", "b")).is_empty());
}

#[test]
fn a_link_to_what_nothing_names_holds_nothing() {
    let mut sources = Sources::new();
    sources.add("t.xproto", "option app_label = \"t\"; message A (Service) {} message B (ServiceInstance) {}");
    let mut g = Graph::new(&compile(&sources).models, &[]).unwrap();
    g.insert(&object("A", "a", json!({"site": {"name": "nowhere"}})), Standing::Settled);
    g.insert(&object("B", "b", json!({"owner": {"name": "a"}})), Standing::Settled);
    assert_eq!(g.dependencies(&key("A", "a")).count(), 0, "no Site is known here");
    assert_eq!(g.missing(&key("A", "a")).count(), 0);
    assert_eq!(g.dependencies(&key("B", "b")).collect::<Vec<_>>(), [Dependency::Present(key("A", "a"))]);
    assert_eq!(names(g.cascade(&key("A", "a"))), ["b"]);
}

#[test]
fn a_kind_says_which_one_is_meant() {
    let mut g = graph(&[]);
    g.insert(&object("B", "x", json!({})), Standing::Settled);
    g.insert(&object("C", "x", json!({})), Standing::Settled);
    g.insert(&object("A", "any", json!({"one": {"name": "x"}})), Standing::Settled);
    g.insert(&object("A", "c", json!({"one": {"name": "x", "kind": "C"}})), Standing::Settled);
    assert_eq!(g.linked(&key("A", "any"), "one"), [key("B", "x"), key("C", "x")], "not unique");
    assert_eq!(g.linked(&key("A", "c"), "one"), [key("C", "x")]);
    assert_eq!(names(g.dependants(&key("B", "x"))), ["any"]);
    assert_eq!(names(g.dependants(&key("C", "x"))), ["any", "c"]);
}

#[test]
fn who_waits_is_woken() {
    let mut g = graph(&[]);
    let mut w = Waits::default();
    g.insert(&object("A", "a", json!({"one": {"name": "c"}})), Standing::Unsettled);
    assert!(
        matches!(&look(&mut w, &g, &key("A", "a"))[..], [Blocker::Missing(address)] if address.class.as_ref() == "B")
    );
    g.insert(&object("C", "c", json!({})), Standing::Unsettled);
    assert_eq!(names(w.wake_for_new(&g, &key("C", "c")).free), ["a"]);
    let blocker = Blocker::Object(key("C", "c"));
    assert_eq!(look(&mut w, &g, &key("A", "a")), std::slice::from_ref(&blocker));
    g.insert(&object("C", "c", json!({})), Standing::Settled);
    assert_eq!(names(w.wake(&blocker).free), ["a"]);
    assert_eq!(look(&mut w, &g, &key("A", "a")), []);
    assert!(w.is_empty());
}

#[test]
fn dependency_graph_adds_edges() {
    let mut g = graph(&[("A", "B", ""), ("B", "A", "ones")]);
    g.insert(&object("A", "a", json!({})), Standing::Settled);
    g.insert(&object("C", "c", json!({})), Standing::Unsettled);
    let mut w = Waits::default();
    assert_eq!(look(&mut w, &g, &key("A", "a")), [Blocker::Object(key("C", "c"))], "any B, without a link");
    g.insert(&object("A", "a", json!({"one": {"name": "c"}})), Standing::Unsettled);
    assert_eq!(look(&mut w, &g, &key("C", "c")), [Blocker::Object(key("A", "a"))], "by reverse port");
    assert_eq!(w.break_cycles(&g, |_| false).len(), 1);
    assert_eq!((look(&mut w, &g, &key("C", "c")), look(&mut w, &g, &key("A", "a"))), (vec![], vec![]));

    let bad = |model: &str, on: &str, port: &str| {
        let extra = ExtraDependency { model: model.to_owned(), on: on.to_owned(), port: port.to_owned() };
        Graph::new(&models(), &[extra]).unwrap_err().to_string()
    };
    assert!(bad("Z", "B", "").contains("no model `Z`"));
    let port = bad("A", "B", "two");
    assert!(port.contains("`two`") && port.contains("one, many, next, previous"), "{port}");
}

#[test]
fn the_root_is_at_the_end_of_the_line() {
    let mut g = graph(&[]);
    let mut w = Waits::default();
    for (name, next) in [("a", "b"), ("b", "c")] {
        g.insert(&object("A", name, json!({"next": {"name": next}})), Standing::Unsettled);
    }
    g.insert(&object("A", "c", json!({})), Standing::Unsettled);
    for name in ["a", "b", "c"] {
        look(&mut w, &g, &key("A", name));
    }
    let blocker = |name| Blocker::Object(key("A", name));
    assert_eq!(w.root(&blocker("b")), &blocker("c"));
    assert_eq!(w.root(&blocker("c")), &blocker("c"));
}

#[test]
fn all_blockers_are_known_in_order_and_only_the_last_one_frees() {
    let mut g = graph(&[]);
    let mut w = Waits::default();
    let many: Vec<_> = (1..=6).map(|at| json!({"name": format!("c{at}")})).collect();
    let a = json!({"one": {"name": "b"}, "many": many, "next": {"name": "later"}});
    g.insert(&object("A", "a", a), Standing::Unsettled);
    for name in ["b", "c1", "c2", "c3", "c4", "c5", "c6"] {
        g.insert(&object(if name == "b" { "B" } else { "C" }, name, json!({})), Standing::Unsettled);
    }
    let a = key("A", "a");
    assert_eq!(look(&mut w, &g, &a).len(), 8);
    let told = |w: &Waits| {
        let (named, others) = w.named(&a);
        let name = |blocker: &Blocker| match blocker {
            Blocker::Object(key) => key.name.to_string(),
            Blocker::Missing(address) => format!("no {}", address.name),
        };
        let others: Vec<_> = others.iter().map(|(class, count)| format!("{count} {class}")).collect();
        (named.into_iter().map(name).collect::<Vec<_>>(), others)
    };
    assert_eq!(told(&w), (["b", "c1", "c2"].map(str::to_owned).into(), ["1 A", "4 C"].map(str::to_owned).into()));
    let done = |w: &mut Waits, model: &str, name: &str| w.wake(&Blocker::Object(key(model, name)));
    assert_eq!(names(done(&mut w, "C", "c2").waiting), ["a"]);
    assert_eq!(told(&w), (["b", "c1", "c3"].map(str::to_owned).into(), ["1 A", "3 C"].map(str::to_owned).into()));
    assert_eq!(names(w.followers(&key("C", "c3"))), ["a"]);
    assert!(w.followers(&key("C", "c4")).is_empty(), "it is only counted");
    for name in ["c5", "c1", "c3", "c6", "c4"] {
        assert!(done(&mut w, "C", name).free.is_empty());
    }
    assert!(done(&mut w, "B", "b").free.is_empty());
    assert_eq!(told(&w), (["no later"].map(str::to_owned).into(), vec![]));
    g.insert(&object("A", "later", json!({})), Standing::Unsettled);
    assert_eq!(names(w.wake_for_new(&g, &key("A", "later")).free), ["a"]);
    assert!(w.is_empty());
}

#[test]
fn who_goes_with_an_object_waits_for_its_end_and_others_do_not() {
    let mut g = graph(&[("A", "B", "")]);
    let mut w = Waits::default();
    let leading = json!({"one": {"name": "c"}, "next": {"name": "self"}});
    g.insert(&object("A", "goes", leading), Standing::Unsettled);
    g.insert(&object("A", "stays", json!({"many": [{"name": "c"}]})), Standing::Unsettled);
    g.insert(&object("A", "self", json!({"next": {"name": "self"}})), Standing::Leaving);
    g.insert(&object("C", "c", json!({})), Standing::Leaving);
    let blockers = [Blocker::Object(key("C", "c")), Blocker::Object(key("A", "self"))];
    assert_eq!(look(&mut w, &g, &key("A", "goes")), blockers);
    assert_eq!(names(g.leaving(&key("A", "goes"))), ["c", "self"]);
    assert_eq!(look(&mut w, &g, &key("A", "stays")), []);
    assert_eq!(g.leaving(&key("A", "self")).count(), 0);
    assert!(w.break_cycles(&g, |_| false).is_empty());
    g.remove(&key("C", "c"));
    assert_eq!(g.missing(&key("A", "goes")).count(), 1);
    assert_eq!(g.missing(&key("A", "stays")).count(), 0, "only links to one");
}

#[test]
fn cycles_of_models() {
    let extra = ExtraDependency { model: "B".to_owned(), on: "A".to_owned(), port: String::new() };
    let sorted = |mut cycles: Vec<Vec<String>>| {
        cycles.iter_mut().for_each(|cycle| cycle.sort());
        cycles.sort();
        cycles
    };
    assert_eq!(sorted(model_cycles(&models(), &[])), [["A"], ["B"]]);
    assert_eq!(sorted(model_cycles(&models(), &[extra])), [["A", "B"]]);
}

#[test]
fn a_deep_search_needs_no_stack() {
    let cycles = components([0u32], |n| vec![(n + 1) % 200_000]);
    assert_eq!(cycles.iter().map(Vec::len).collect::<Vec<_>>(), [200_000]);
}

/// Makes objects `0..n` with random links among them: some dangle, some are circles.
fn random_links(n: usize, links: &[(u8, u8)]) -> Vec<Object> {
    let mut many: Vec<Vec<Value>> = vec![vec![]; n];
    for (from, to) in links {
        many[usize::from(*from) % n].push(json!({"name": (usize::from(*to) % (n + 1)).to_string()}));
    }
    let next = |(at, mut all): (usize, Vec<Value>)| {
        let one = all.pop();
        let all: Vec<_> = all.into_iter().map(|link| json!({"name": format!("b{}", link["name"])})).collect();
        object("A", &at.to_string(), one.map_or(json!({"many": all.clone()}), |one| json!({"next": one, "many": all})))
    };
    many.into_iter().enumerate().map(next).collect()
}

fn links() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((any::<u8>(), any::<u8>()), 0..24)
}

proptest! {
    /// Each object is handled once, after those that it depends on, unless these are in a circle with it; one with a
    /// dangling link waits until the peer exists.
    #[test]
    fn all_are_handled_in_order(n in 1usize..12, links in links()) {
        let mut g = graph(&[]);
        let mut w = Waits::default();
        let objects = random_links(n, &links);
        for object in &objects { g.insert(object, Standing::Unsettled); }
        let mut todo: BTreeSet<_> = objects.iter().map(Object::key).collect();
        let mut done = HashSet::new();
        let mut free = HashSet::new();
        loop {
            let before = done.len();
            for key in todo.clone() {
                if look(&mut w, &g, &key).is_empty() {
                    let exists = |key: &ObjectKey| objects.iter().any(|object| object.key() == *key);
                    for other in g.linked(&key, "next").into_iter().filter(exists) {
                        let is_in_order = other == key || done.contains(&other) || free.contains(&key);
                        prop_assert!(is_in_order, "{key} before {other}");
                    }
                    todo.remove(&key);
                    g.insert(&objects[key.name.parse::<usize>().unwrap()], Standing::Settled);
                    w.wake(&Blocker::Object(key.clone()));
                    done.insert(key);
                }
            }
            if done.len() > before { continue; }
            let cycles = w.break_cycles(&g, |_| false);
            free.extend(cycles.iter().flatten().cloned());
            if cycles.is_empty() {
                // The rest waits, at last, for what is not there.
                let Some(key) = todo.first() else { break };
                let first = w.blockers(key).next().unwrap();
                let Blocker::Missing(address) = w.root(first).clone() else { panic!("{key} is stuck") };
                let missing = object(if address.class.as_ref() == "B" { "C" } else { "A" }, &address.name, json!({}));
                g.insert(&missing, Standing::Settled);
                w.wake_for_new(&g, &missing.key());
            }
        }
        prop_assert_eq!(done.len(), n);
        prop_assert!(w.is_empty());
    }

    /// Deleted in any order, with all that cascades, every object goes, dependants first unless in a circle.
    #[test]
    fn nothing_is_stuck_on_deletion(n in 1usize..12, links in links(), first in any::<u8>()) {
        let mut g = graph(&[]);
        let mut w = Waits::default();
        let objects = random_links(n, &links);
        for object in &objects { g.insert(object, Standing::Settled); }
        let mut deleting = BTreeSet::from([key("A", &(usize::from(first) % n).to_string())]);
        let mut gone = HashSet::new();
        let mut free = HashSet::new();
        while !deleting.is_empty() {
            let before = (gone.len(), deleting.len());
            for key in deleting.clone() {
                deleting.extend(g.cascade(&key));
                if look_deleting(&mut w, &g, &key).is_empty() {
                    for other in g.linked_back(&key, "previous") {
                        prop_assert!(other == key || free.contains(&key), "{key} before {other}");
                    }
                    deleting.remove(&key);
                    g.remove(&key);
                    w.forget(&key);
                    w.wake(&Blocker::Object(key.clone()));
                    gone.insert(key);
                }
            }
            if (gone.len(), deleting.len()) == before {
                let cycles = w.break_cycles(&g, |_| true);
                prop_assert!(!cycles.is_empty(), "stuck: {deleting:?}");
                free.extend(cycles.into_iter().flatten());
            }
        }
        for key in objects.iter().map(Object::key).filter(|key| g.contains(key)) {
            let is_gone = |address: &Address| *address.class == *"A" && gone.contains(&self::key("A", &address.name));
            let outlives = |dependency| matches!(&dependency, Dependency::Missing(address) if is_gone(address));
            prop_assert!(!g.dependencies(&key).any(outlives), "{key} outlives what it leads to");
        }
        prop_assert!(w.is_empty());
    }
}
