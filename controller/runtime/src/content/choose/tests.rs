use serde_json::json;
use xos_documents::kinds::Kind;

use super::*;
use crate::content::service;
use crate::synchronizer::Synchronizer;

fn model(label: &str, text: &str) -> Value {
    json!({"xprotos": {"m.xproto": format!("option app_label = \"{label}\";\n{text}")}})
}

fn set(name: &str, generation: i64, spec: &Value, last: Option<&Value>) -> Item {
    let read = |spec: &Value| Spec::Models(Arc::new(serde_json::from_value(spec.clone()).unwrap()));
    let last = last.map(|spec| Version { generation: generation - 1, spec: read(spec) });
    let now = Version { generation, spec: read(spec) };
    Item { id: Id::model_set(name), uid: name.to_owned(), now, last }
}

fn step(name: &str, generation: i64, spec: &Value, last: Option<&Value>) -> Item {
    let read = |spec: &Value| Spec::Document(Arc::new(spec.clone()));
    let last = last.map(|spec| Version { generation: generation - 1, spec: read(spec) });
    let id = Id { kind: ObjectKind::Document(Kind::SyncStep), name: name.to_owned() };
    Item { id, uid: name.to_owned(), now: Version { generation, spec: read(spec) }, last }
}

fn here() -> Content {
    Content { may_be_empty: true, ..Content::default() }
}

/// Returns of each item which generation works, and why not the present one.
fn chosen(items: &[Item], known: &Known) -> Vec<String> {
    let synchronizer = Synchronizer::new("test");
    let choice = choose(&here(), items, known, |content| service(&synchronizer, "test", content)).unwrap();
    let told = |item: &Item| {
        let Verdict { in_force, refused } = &choice.verdicts[&item.id];
        let works = in_force.as_ref().map_or("-".to_owned(), |version| version.generation.to_string());
        let why = refused.as_ref().map(|why| {
            let lines: Vec<_> = why.findings.iter().map(Finding::line).collect();
            format!(" {}: {}", why.reason, lines.join("; "))
        });
        format!("{} {works}{}", item.id, why.unwrap_or_default())
    };
    items.iter().map(told).collect()
}

fn a() -> Value {
    model("a", "message A (XOSBase) { required string x = 1 [max_length = 9]; }")
}

fn put(field: &str) -> Value {
    json!({"model": "A", "http": {"url": format!("http://b/${{self.{field}}}")}})
}

#[test]
fn what_is_right_works_and_what_is_wrong_stays_out() {
    let items = [set("a", 1, &a(), None), step("good", 1, &put("x"), None), step("bad", 1, &put("y"), None)];
    let chosen = chosen(&items, &Known::default());
    assert_eq!(chosen[..2], ["ModelSet a 1", "SyncStep good 1"]);
    assert!(chosen[2].starts_with("SyncStep bad - DocumentInvalid: spec.http.url:1:17: D009 "), "{chosen:?}");
}

#[test]
fn a_wrong_edit_leaves_what_was_accepted() {
    let wrong = model("a", "message A (XOSBase) { required strin x = 1; }");
    let items = [set("a", 2, &wrong, Some(&a())), step("s", 3, &put("y"), Some(&put("x")))];
    let chosen = chosen(&items, &Known::default());
    assert!(chosen[0].starts_with("ModelSet a 1 ModelsInvalid: m.xproto:2:32: X"), "{chosen:?}");
    assert!(chosen[1].starts_with("SyncStep s 2 DocumentInvalid: spec.http.url:1:17: D009 "), "{chosen:?}");
}

#[test]
fn what_others_need_is_not_taken_away() {
    let without = model("a", "message A (XOSBase) { required string z = 1 [max_length = 9]; }");
    let b = model("b", "message B (XOSBase) { required string x = 1 [max_length = 9]; }");
    let items = [set("a", 2, &without, Some(&a())), set("b", 1, &b, None), step("s", 1, &put("x"), Some(&put("x")))];
    let one = chosen(&items, &Known::default());
    assert!(one[0].starts_with("ModelSet a 1 BreaksOthers: SyncStep s would no longer fit: spec.http.url"), "{one:?}");
    assert_eq!(one[1..], ["ModelSet b 1", "SyncStep s 1"], "the other one that has changed is in nobody's way");
    // Both at once fit.
    let items = [set("a", 2, &without, Some(&a())), step("s", 2, &put("z"), Some(&put("x")))];
    assert_eq!(chosen(&items, &Known::default()), ["ModelSet a 2", "SyncStep s 2"]);
}

#[test]
fn a_set_sees_what_it_uses() {
    let b = |uses: &[&str]| {
        let mut spec = model("b", "message B (XOSBase) { required manytoone a->A:bs = 1:1001; }");
        spec["uses"] = json!(uses);
        spec
    };
    let alone = chosen(&[set("a", 1, &a(), None), set("b", 1, &b(&[]), None)], &Known::default());
    assert_eq!(alone[0], "ModelSet a 1");
    assert!(alone[1].contains("ModelSet b - ModelsInvalid: m.xproto:2:") && alone[1].contains("`uses`"), "{alone:?}");
    let together = chosen(&[set("a", 1, &a(), None), set("b", 1, &b(&["a"]), None)], &Known::default());
    assert_eq!(together, ["ModelSet a 1", "ModelSet b 1"]);
    let missing = chosen(&[set("b", 1, &b(&["a"]), None)], &Known::default());
    assert!(missing[0].starts_with("ModelSet b - ModelsInvalid"), "{missing:?}");
    let nothing = set("c", 1, &json!({"xprotos": {}, "uses": ["a"]}), None);
    let expected = "ModelSet c - UsesUnknownSet: spec.uses[0]: there is no ModelSet `a` that is accepted";
    assert_eq!(chosen(&[nothing], &Known::default()), [expected]);
}

#[test]
fn kinds_of_the_core_are_those_that_are_named() {
    let kinds = |items: &[Item]| {
        let synchronizer = Synchronizer::new("test");
        let known = Known::default();
        let choice = choose(&here(), items, &known, |content| service(&synchronizer, "test", content)).unwrap();
        assert!(choice.verdicts.values().all(|verdict| verdict.refused.is_none()));
        choice.made.registry.entries().map(|entry| entry.model.name.clone()).collect::<Vec<_>>()
    };
    let mut spec = model("v", "message Line (ServiceInstance) {}");
    assert_eq!(kinds(&[set("voip", 1, &spec, None)]), ["Line", "ServiceInstance"]);
    let put = |url: &str| step("s", 1, &json!({"model": "Line", "http": {"url": url}}), None);
    let link = [set("voip", 1, &spec, None), put("http://b/${self.owner.site.name}")];
    assert_eq!(kinds(&link), ["Line", "Service", "ServiceInstance", "Site"]);
    spec["properties"] = json!({"Line": {"at": "self.owner.site.name"}});
    assert_eq!(kinds(&[set("voip", 1, &spec, None)]), ["Line", "Service", "ServiceInstance", "Site"]);
    spec["uses"] = json!(["core"]);
    assert_eq!(kinds(&[set("voip", 1, &spec, None)]).len(), 35);
}

#[test]
fn of_two_that_declare_the_same_the_first_stays() {
    let items = [set("a", 1, &a(), Some(&a())), set("b", 1, &a(), None)];
    let chosen = chosen(&items, &Known::default());
    assert!(chosen[0] == "ModelSet a 1" && chosen[1].starts_with("ModelSet b - ModelsInvalid"), "{chosen:?}");
    // Also where the later one is the elder.
    let items = [set("a", 1, &a(), None), set("b", 1, &a(), Some(&a()))];
    let chosen = self::chosen(&items, &Known::default());
    assert!(chosen[0].starts_with("ModelSet a - BreaksOthers") && chosen[1] == "ModelSet b 1", "{chosen:?}");
}

#[test]
fn what_is_held_or_leaves_is_not_taken() {
    let refused = Refused { reason: "MissingRights", message: None, findings: vec![], changes: vec![] };
    let wider = model("a", "message A (XOSBase) { required string x = 1 [max_length = 99]; }");
    let known = |id: Id| Known { held: BTreeMap::from([(id, refused.clone())]), ..Known::default() };
    let items = [set("a", 2, &wider, Some(&a()))];
    assert_eq!(chosen(&items, &known(Id::model_set("a"))), ["ModelSet a 1 MissingRights: "]);
    let out = Known { out: BTreeSet::from([Id::model_set("a")]), ..Known::default() };
    let items = [set("a", 1, &a(), Some(&a())), step("s", 1, &put("x"), Some(&put("x")))];
    let chosen = chosen(&items, &out);
    assert_eq!(chosen[0], "ModelSet a -");
    assert!(chosen[1].starts_with("SyncStep s - DocumentInvalid: spec.model: D010 "), "{chosen:?}");
}

#[test]
fn edges_of_the_dependency_graph_are_told_by_their_place() {
    let mut spec = a();
    spec["dependencyGraph"] = json!({"A": [["B", "", ""]]});
    let chosen = chosen(&[set("a", 1, &spec, None)], &Known::default());
    let expected = "ModelSet a - DependenciesInvalid: spec.dependencyGraph.A[0]: ";
    assert!(chosen[0].starts_with(expected), "{chosen:?}");
}

#[test]
fn what_is_here_goes_first() {
    let mut base = here();
    let text: Arc<[u8]> = a()["xprotos"]["m.xproto"].as_str().unwrap().as_bytes().into();
    base.files.push(ModelFile { name: "a.xproto".to_owned(), text, origin: Origin::Here });
    let synchronizer = Synchronizer::new("test");
    let check = |content: &Content| service(&synchronizer, "test", content);
    let choice = choose(&base, &[set("a", 1, &a(), None)], &Known::default(), check).unwrap();
    assert_eq!(choice.verdicts[&Id::model_set("a")].in_force, None);
    base.files[0].text = b"messag".as_slice().into();
    assert!(choose(&base, &[], &Known::default(), check).is_err());
}
