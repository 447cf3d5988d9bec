//! The index against a plain look at all objects.

use super::*;
use crate::graph::Standing;
use crate::query::{Criterion, Operator};
use proptest::prelude::*;
use serde_json::json;
use xos_xproto::{Sources, compile};

fn models() -> Arc<ModelSet> {
    let mut sources = Sources::new();
    let text = "option app_label = \"t\";
        message Base (XOSBase) { required string name = 1 [max_length = 9]; optional int32 port = 2 [default = 7];
            optional manytoone up->Base:down = 3:1001; optional manytomany with->Base:by = 4:1002; }
        message Leaf (Base) { optional string colour = 1 [max_length = 9]; }";
    sources.add("t.xproto", text);
    let compiled = compile(&sources);
    assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
    Arc::new(compiled.models)
}

fn object(model: &str, namespace: &str, name: &str, fields: Value) -> Arc<Object> {
    let fields = serde_json::from_value(fields).unwrap();
    Arc::new(Object { fields, ..Object::named(model, namespace, name) })
}

fn names(objects: &[Arc<Object>]) -> Vec<&str> {
    objects.iter().map(|object| object.meta.name.as_str()).collect()
}

#[test]
fn queries() {
    let mut index = Index::new(models(), &[]).unwrap();
    for (model, namespace, name, fields) in [
        ("Base", "n", "a", json!({"name": "A", "port": 1})),
        ("Leaf", "n", "b", json!({"name": "B", "colour": "red", "up": {"name": "a"}})),
        ("Leaf", "n", "c", json!({"name": "C", "port": 1.0, "with": [{"name": "a"}, {"name": "b"}]})),
        ("Base", "m", "a", json!({"name": "A"})),
    ] {
        index.insert(&object(model, namespace, name, fields), Standing::Settled);
    }
    let table = [
        ("all", Query::of("Base", Some("n")), vec!["a", "b", "c"]),
        ("of a class", Query::of("Leaf", None), vec!["b", "c"]),
        ("a number in another form", Query::of("Base", None).and(Criterion::equal("port", json!(1))), vec!["a", "c"]),
        ("a default", Query::of("Base", None).and(Criterion::equal("port", json!(7))), vec!["a", "b"]),
        ("a link", Query::of("Base", Some("n")).and(Criterion::equal("up", json!({"name": "a"}))), vec!["b"]),
        ("one of many links", Query::of("Base", Some("n")).and(Criterion::equal("with", json!("b"))), vec!["c"]),
        ("none", Query::of("Leaf", None).and(Criterion::equal("colour", json!(null))), vec!["c"]),
        (
            "several",
            Query::of("Base", Some("n"))
                .and(Criterion::equal("port", json!(1)))
                .and(Criterion::new("name", Operator::IEqual, json!("c")).unwrap()),
            vec!["c"],
        ),
    ];
    for (what, query, expected) in table {
        assert_eq!(names(&index.query(&query).unwrap()), expected, "{what}, without an index");
        index.prepare(&query);
        assert!(index.is_ready(&query));
        assert_eq!(names(&index.query(&query).unwrap()), expected, "{what}");
    }
    let key = ObjectKey::new("Base", "n", "a");
    assert_eq!(names(&index.linked_back(&key, "down").into_iter().cloned().collect::<Vec<_>>()), ["b"]);
    assert_eq!(index.at("Base", "m", &Reference { namespace: Some("n".into()), ..Reference::to("b") }).len(), 1);
    let unknown = Query::of("Base", None).and(Criterion::equal("colour", json!("red")));
    assert!(matches!(index.query(&unknown), Err(QueryError::UnknownField { .. })));
    assert!(matches!(index.query(&Query::of("Nope", None)), Err(QueryError::UnknownModel(_))));
}

#[test]
fn objects_that_are_being_deleted_are_not_found() {
    let mut index = Index::new(models(), &[]).unwrap();
    let mut going = (*object("Base", "n", "a", json!({"name": "A"}))).clone();
    going.meta.deleting = Some(jiff::Timestamp::UNIX_EPOCH);
    index.insert(&Arc::new(going), Standing::Settled);
    let query = Query::of("Base", None);
    assert!(index.query(&query).unwrap().is_empty());
    assert_eq!(index.query(&Query { with_deleted: true, ..query }).unwrap().len(), 1);
}

#[derive(Clone, Debug)]
enum Change {
    Put(u8, u8, Option<i64>, Option<u8>),
    Remove(u8),
    Ask(i64),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (0u8..6, 0u8..3, proptest::option::of(5i64..9), proptest::option::of(0u8..6))
            .prop_map(|(name, word, port, up)| Change::Put(name, word, port, up)),
        (0u8..6).prop_map(Change::Remove),
        (5i64..9).prop_map(Change::Ask),
    ]
}

proptest! {
    /// An index gives what a look at all objects gives, whenever it was made.
    #[test]
    fn indexes_do_not_change_answers(changes in proptest::collection::vec(change(), 1..40)) {
        let mut index = Index::new(models(), &[]).unwrap();
        for change in changes {
            match change {
                Change::Put(name, word, port, up) => {
                    let mut fields = json!({"name": format!("w{word}"), "port": port});
                    if let Some(up) = up {
                        fields["up"] = json!({"name": format!("o{up}")});
                    }
                    let mut new = (*object("Leaf", "n", &format!("o{name}"), fields)).clone();
                    new.fields.retain(|_, value| !value.is_null());
                    index.insert(&Arc::new(new), Standing::Settled);
                }
                Change::Remove(name) => index.remove(&ObjectKey::new("Leaf", "n", &format!("o{name}"))),
                Change::Ask(port) => index.prepare(&Query::of("Leaf", None).and(Criterion::equal("port", json!(port)))),
            }
            index.prepare(&Query::of("Leaf", None).and(Criterion::equal("up", json!("o1"))));
            let plain = Index { fields: HashMap::new(), ..index.clone() };
            for wanted in [json!(5), json!(7), json!(8)] {
                let query = Query::of("Base", None).and(Criterion::equal("port", wanted));
                prop_assert_eq!(index.query(&query).unwrap(), plain.query(&query).unwrap());
            }
            let query = Query::of("Base", None).and(Criterion::equal("up", json!("o1")));
            prop_assert_eq!(index.query(&query).unwrap(), plain.query(&query).unwrap());
        }
    }
}
