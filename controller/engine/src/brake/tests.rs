use serde_json::json;
use xos_model::graph::Standing;
use xos_xproto::{Sources, compile};

use super::*;

const MODELS: &str = "option app_label = \"t\";
    message Node (XOSBase) { required string name = 1 [max_length = 32];
        optional manytoone parent->Node:children = 2:1001; }";

struct Forest {
    graph: Graph,
    objects: HashMap<ObjectKey, Arc<Object>>,
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("Node", "here", name)
}

impl Forest {
    /// Makes nodes of `name` or `name<parent`; `-name` is being deleted, `!name` is write-protected.
    fn of(nodes: &[&str]) -> Self {
        let mut sources = Sources::new();
        sources.add("t.xproto", MODELS);
        let models = compile(&sources).models;
        let mut forest = Self { graph: Graph::new(&models, &[]).unwrap(), objects: HashMap::new() };
        for node in nodes {
            let (name, parent) = node.split_once('<').map_or((*node, None), |(name, parent)| (name, Some(parent)));
            let plain = name.trim_start_matches(['-', '!']);
            let mut object = Object::named("Node", "here", plain);
            object.meta.deleting = name.starts_with('-').then_some(jiff::Timestamp::UNIX_EPOCH);
            object.set("write_protect", json!(name.starts_with('!')));
            object.set("parent", parent.map_or(json!(null), |parent| json!({"name": parent})));
            forest.graph.insert(&object, Standing::Settled);
            forest.objects.insert(object.key(), Arc::new(object));
        }
        forest
    }

    fn confirm(&mut self, name: &str, text: &str) {
        let object = self.objects.get_mut(&key(name)).map(Arc::make_mut).unwrap();
        object.meta.annotations.insert("confirm-deletion".into(), text.to_owned());
    }

    fn taken(&self, name: &str, most: usize) -> Vec<String> {
        let taken = taken_along(&self.graph, &|key| self.objects.get(key).cloned(), &key(name), most);
        taken.iter().map(|key| key.name.to_string()).collect()
    }

    fn allowed(&self, name: &str, wanted: usize) -> usize {
        allowed(&self.graph, &|key| self.objects.get(key).cloned(), &self.objects[&key(name)], 100, wanted)
    }
}

#[test]
fn what_a_deletion_takes_along() {
    let forest = Forest::of(&["a", "b<a", "c<a", "d<b", "e<d", "-f<a", "g<f", "!h<a", "i<h", "z"]);
    // What hangs on one that is being deleted, or that stays, is not the business of `a`.
    assert_eq!(forest.taken("a", 99), ["b", "c", "d", "e"]);
    assert_eq!(forest.taken("a", 2), ["b", "c"], "no more than are asked for");
    assert_eq!(forest.taken("f", 99), ["g"]);
    assert_eq!(forest.taken("z", 99), [""; 0]);
    let circle = Forest::of(&["a<c", "b<a", "c<b"]);
    assert_eq!(circle.taken("a", 99), ["b", "c"]);
}

#[test]
fn a_confirmation_is_good_for_what_goes_along_too() {
    let mut forest = Forest::of(&["-a", "-b<a", "-c<b", "x", "-y<x"]);
    assert_eq!(forest.allowed("c", 500), 100);
    forest.confirm("a", "2000");
    assert_eq!((forest.allowed("a", 500), forest.allowed("c", 500)), (2000, 2000));
    forest.confirm("x", "2000");
    assert_eq!(forest.allowed("y", 500), 100, "`x` is not being deleted");
    forest.confirm("y", "700");
    assert_eq!(forest.allowed("y", 500), 700);
    forest.confirm("y", "yes");
    assert_eq!(forest.allowed("y", 500), 100);
}

#[test]
fn one_that_is_lost_wakes_a_held_one_only_when_it_may_be_free() {
    let mut held = HeldDeletions::default();
    let keys: Vec<_> = (0..105).map(|n| key(&format!("n{n}"))).collect();
    held.hold(&key("a"), keys.clone(), 100);
    held.hold(&key("b"), keys[..103].to_vec(), 102);
    assert_eq!(held.lost(&keys[104]), []);
    assert_eq!(held.lost(&keys[104]), [], "once only");
    assert_eq!(held.lost(&keys[0]), [key("b")]);
    for one in &keys[1..3] {
        assert_eq!(held.lost(one), [key("b")]);
    }
    assert_eq!(held.lost(&keys[3]), [key("a"), key("b")]);
    held.release(&key("a"));
    held.release(&key("b"));
    assert!(held.all().is_empty() && held.takers.is_empty());
}

#[test]
fn a_deletion_that_was_confirmed_anew() {
    let mut before = Object::named("Node", "here", "a");
    let with = |text: &str| {
        let mut object = Object::named("Node", "here", "a");
        object.meta.annotations.insert("confirm-deletion".into(), text.to_owned());
        object
    };
    assert!(is_confirmed_anew(Some(&before), &with("7")) && is_confirmed_anew(None, &with("7")));
    assert!(!is_confirmed_anew(Some(&with("7")), &with("7")) && is_confirmed_anew(Some(&with("7")), &with("8")));
    assert!(!is_confirmed_anew(Some(&with("7")), &before));
    before.set("write_protect", json!(true));
    assert!(is_lost(&before, false) && is_lost(&with("7"), true) && !is_lost(&with("7"), false));
}
