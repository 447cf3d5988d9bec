//! Objects that others keep from being accepted.

use super::*;
use crate::graph::Standing;
use crate::intent::Intent;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use xos_xproto::{Sources, compile};

const MODELS: &str = "option app_label = \"t\";
    policy may_connect < obj.slice in obj.network.permitted.all() | obj.slice = obj.network.owner | obj.network.open >
    policy small < obj.size = 1 | {{ True }} >
    policy no_twins < not exists Slice: (Slice.name = obj.alias) >
    policy no_twin_keys < not exists Door: (Door.twin = obj.key) >
    message Door (XOSBase) { option validators = \"no_twin_keys:{obj.key} opens another door\";
        required string key = 1 [max_length = 20, secret = True, unique = True];
        optional string twin = 2 [max_length = 20, secret = True]; }
    message Service (XOSBase) { required string name = 1 [max_length = 9, unique = True]; }
    message Onos (Service) { }
    message Slice (XOSBase) { required string name = 1 [max_length = 9]; optional string alias = 2 [max_length = 9];
        option validators = \"no_twins:A slice is called {obj.alias}\"; }
    message Network (XOSBase) { required string name = 1 [max_length = 9]; optional bool open = 2;
        optional manytoone owner->Slice:owned = 3:1001; optional manytomany permitted->Slice:permits = 4:1002; }
    message Plug (XOSBase) { option validators = \"may_connect:Slice {obj.slice.name} may not use {obj.network}\";
        required manytoone slice->Slice:plugs = 1:1003 [unique_with = \"network\"];
        required manytoone network->Network:plugs = 2:1004; }
    message Onu (XOSBase) { option validators = \"small:too big\";
        required string serial = 1 [max_length = 9, tosca_key = True]; required int32 port = 2 [tosca_key = True];
        optional int32 size = 3; optional manytoone owner->Service:onus = 4:1005; }";

fn models() -> Arc<ModelSet> {
    let mut sources = Sources::new();
    sources.add("t.xproto", MODELS);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    Arc::new(compiled.models)
}

/// Makes an object that was created at this second.
fn object(model: &str, name: &str, at: i64, fields: Value) -> Arc<Object> {
    let mut o = Object { fields: serde_json::from_value(fields).unwrap(), ..Object::named(model, "n", name) };
    o.meta.created = Some(Timestamp::from_second(at).unwrap());
    o.meta.uid = format!("uid-{name}");
    Arc::new(o)
}

fn index(objects: &[Arc<Object>]) -> Index {
    let mut index = Index::new(models(), &[]).unwrap();
    for object in objects {
        index.insert(object, Standing::Settled);
    }
    index
}

fn refusal(index: &Index, object: &Object) -> Option<(&'static str, String)> {
    let model = index.models().get(&object.model).unwrap();
    let mut prepared = index.clone();
    let checks = Checks::of(index.models(), model);
    checks.prepare(&mut prepared, model, object);
    let judge = |index: &Index| {
        let lost = checks.rivalry(index, model, object, &|_| false).lost;
        lost.map(|(refusal, _)| refusal).or_else(|| checks.refusal(index, model, object))
    };
    let refusal = judge(&prepared);
    assert_eq!(refusal, judge(index), "indexes change nothing");
    refusal.map(|refusal| (refusal.reason, refusal.message))
}

fn settled(object: &Object) -> Arc<Object> {
    let mut o = object.clone();
    o.status.of_mut("x").sync.attempted = Some(Intent { touch: None, ..o.intent.clone() });
    Arc::new(o)
}

#[test]
fn the_older_one_has_the_name_unless_the_other_is_in_use() {
    let old = object("Service", "a", 1, json!({"name": "S"}));
    let new = object("Onos", "b", 2, json!({"name": "S"}));
    let world = index(&[Arc::clone(&old), Arc::clone(&new)]);
    assert_eq!(refusal(&world, &old), None);
    let told = ("NotUnique", "Service a has name \"S\" already; change or delete one of them".to_owned());
    assert_eq!(refusal(&world, &new), Some(told), "in all that inherit");
    let meta = crate::Meta { deleting: Some(jiff::Timestamp::UNIX_EPOCH), ..old.meta.clone() };
    let going = index(&[Arc::new(Object { meta, ..(*old).clone() }), Arc::clone(&new)]);
    let told = "Service a has name \"S\" already, and is being deleted; wait until it is gone";
    assert_eq!(refusal(&going, &new).unwrap().1, told);
    let used = settled(&new);
    let world = index(&[Arc::clone(&old), Arc::clone(&used)]);
    assert_eq!(refusal(&world, &old).map(|told| told.0), Some("NotUnique"));
    assert_eq!(refusal(&world, &used), None);
    let elsewhere =
        Arc::new(Object { meta: crate::Meta { namespace: "m".into(), ..new.meta.clone() }, ..(*new).clone() });
    assert_eq!(refusal(&index(&[old, Arc::clone(&elsewhere)]), &elsewhere), None);
}

#[test]
fn keys_of_several_fields() {
    let onu = |name, at, serial, port| object("Onu", name, at, json!({"serial": serial, "port": port}));
    let world = index(&[onu("a", 1, "x", 1), onu("b", 2, "x", 2)]);
    let told = "Onu b has serial \"x\", port 2 already; change or delete one of them";
    assert_eq!(refusal(&world, &onu("c", 3, "x", 2)).unwrap().1, told);
    assert_eq!(refusal(&world, &onu("c", 3, "y", 2)), None);
    let plug = |name, at| object("Plug", name, at, json!({"slice": {"name": "s"}, "network": {"name": "w"}}));
    let told = refusal(&index(&[plug("p", 1)]), &plug("q", 2)).unwrap();
    assert_eq!(told.1, "Plug p has slice \"s\", network \"w\" already; change or delete one of them");
}

#[test]
fn a_refusal_quotes_no_secret() {
    let one = object("Door", "one", 1, json!({"key": "letmein", "twin": "shibboleth"}));
    let two = object("Door", "two", 2, json!({"key": "letmein"}));
    let three = object("Door", "three", 3, json!({"key": "shibboleth"}));
    let index = index(&[one, two.clone(), three.clone()]);
    assert_eq!(
        refusal(&index, &two),
        Some(("NotUnique", "Door one has this key already; change or delete one of them".to_owned()))
    );
    assert_eq!(refusal(&index, &three), Some(("Invalid", "*** opens another door".to_owned())));
}

#[test]
fn links_to_a_base() {
    let world = index(&[object("Service", "s", 1, json!({"name": "A"})), object("Onos", "s", 2, json!({"name": "B"}))]);
    let onu = |owner: Value| object("Onu", "o", 3, json!({"serial": "x", "port": 1, "owner": owner}));
    let told = |owner| refusal(&world, &onu(owner));
    assert_eq!(told(json!({"name": "s", "kind": "Onos"})), None);
    assert_eq!(told(json!({"name": "later"})), None);
    let (reason, message) = told(json!({"name": "s"})).unwrap();
    assert_eq!(
        (reason, message.as_str()),
        ("AmbiguousLink", "spec.owner: s is the name of several objects: add `kind` (Service or Onos)")
    );
    let (reason, message) = told(json!({"name": "s", "kind": "Slice"})).unwrap();
    assert_eq!(
        (reason, message.as_str()),
        ("NoSuchKind", "spec.owner.kind: Slice is not a Service; it can be Service, Onos")
    );
    assert_eq!(
        told(json!({"name": "s", "kind": "Nope"})).unwrap().1,
        "spec.owner.kind: there is no kind Nope; it can be Service, Onos"
    );
}

#[test]
fn validators_follow_links() {
    let slice = |name: &str| object("Slice", name, 1, json!({"name": name}));
    let plug = object("Plug", "p", 2, json!({"slice": {"name": "s"}, "network": {"name": "w"}}));
    let told = |network: Value| refusal(&index(&[slice("s"), slice("t"), object("Network", "w", 1, network)]), &plug);
    let refused = ("Invalid", "Slice s may not use Net".to_owned());
    assert_eq!(told(json!({"name": "Net"})), Some(refused.clone()));
    assert_eq!(told(json!({"name": "Net", "owner": {"name": "t"}, "permitted": [{"name": "t"}]})), Some(refused));
    assert_eq!(told(json!({"name": "Net", "owner": {"name": "s"}})), None);
    assert_eq!(told(json!({"name": "Net", "permitted": [{"name": "t"}, {"name": "s"}]})), None);
    assert_eq!(told(json!({"name": "Net", "open": true})), None);
    assert_eq!(refusal(&index(&[slice("s")]), &plug), None, "the network may come later");
    let network = object("Network", "w", 1, json!({"name": "Net"}));
    let model = models();
    let world = index(&[slice("s"), network]);
    let refusal =
        Checks::of(&model, model.get("Plug").unwrap()).refusal(&world, model.get("Plug").unwrap(), &plug).unwrap();
    let because: Vec<_> = refusal.because_of.iter().map(ToString::to_string).collect();
    assert_eq!(because, ["Network n/w", "Slice n/s"]);
}

#[test]
fn quantifiers_and_what_nobody_knows() {
    let world = index(&[object("Slice", "s", 1, json!({"name": "Twin"}))]);
    let told = refusal(&world, &object("Slice", "t", 2, json!({"name": "x", "alias": "Twin"})));
    assert_eq!(told, Some(("Invalid", "A slice is called Twin".to_owned())));
    assert_eq!(refusal(&world, &object("Slice", "t", 2, json!({"name": "x", "alias": "Other"}))), None);
    let python = object("Onu", "o", 3, json!({"serial": "x", "port": 1, "size": 7}));
    assert_eq!(refusal(&world, &python), None);
}
