//! How definitions are applied, against an API server in memory that has one definition and its objects.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, clippy::expect_used, clippy::panic, missing_docs)]

mod server;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};
use server::{GROUP, Server};
use xos_engine::install::{ExamineError, InstallError, install};
use xos_xproto::{Sources, compile};

const BOTH: &str = "optional string a = 1 [max_length = 9]; optional string b = 2 [max_length = 9];";
const ONE: &str = "optional string a = 1 [max_length = 9];";
const SHORT: &str = "optional string a = 1 [max_length = 3]; optional string b = 2 [max_length = 9];";

/// The definition of the model `M` with this body.
fn model(body: &str) -> CustomResourceDefinition {
    let mut sources = Sources::new();
    sources.add("m.xproto", format!("option app_label = \"a\";\nmessage M (XOSBase) {{ {body} }}"));
    xos_crds::definitions(&compile(&sources).models).remove(0)
}

fn object(name: &str, spec: Value) -> Value {
    json!({"apiVersion": format!("{GROUP}/v1"), "kind": "M", "metadata": {"namespace": "default", "name": name}, "spec": spec})
}

async fn run(server: &Server, body: &str) -> Result<(), InstallError> {
    install(&server.client(), vec![model(body)]).await.map(drop)
}

#[tokio::test]
async fn a_new_definition_is_made_and_never_takes_the_place_of_another() {
    let server = Server::default();
    run(&server, BOTH).await.unwrap();
    assert_eq!(server.written(), [json!("0")], "the resourceVersion that no object has");
    assert!(server.lists().is_empty());
}

#[tokio::test]
async fn nothing_is_written_or_listed_without_a_difference() {
    let server = Server::with(&model(BOTH));
    run(&server, BOTH).await.unwrap();
    assert!(server.written().is_empty() && server.lists().is_empty());
}

#[tokio::test]
async fn an_addition_asks_no_object_and_is_bound_to_what_was_examined() {
    let server = Server::with(&model(ONE));
    server.forbid_lists();
    run(&server, BOTH).await.unwrap();
    assert_eq!(server.written(), [json!("1")]);
}

#[tokio::test]
async fn a_breaking_change_asks_every_page_and_is_applied_if_no_object_minds() {
    let server = Server::with(&model(BOTH));
    server.add((0..7).map(|n| object(&format!("o{n}"), json!({"a": "x"}))));
    run(&server, ONE).await.unwrap();
    let pages = ["limit=500", "limit=500&continue=3", "limit=500&continue=6"];
    assert_eq!(server.lists(), pages, "in all namespaces, page after page");
    assert_eq!(server.written().len(), 1);
}

#[tokio::test]
async fn a_breaking_change_is_refused_with_the_objects_that_it_breaks() {
    let server = Server::with(&model(BOTH));
    server.add((0..7).map(|n| object(&format!("o{n}"), if n < 5 { json!({}) } else { json!({"b": "x"}) })));
    let refused = run(&server, ONE).await.unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused, InstallError::Refused(_)), "{text}");
    assert!(text.contains("  spec.b: removed (was string)\n    2 objects have it: default/o5, default/o6\n"), "{text}");
    assert!(server.written().is_empty());
}

#[tokio::test]
async fn a_definition_that_was_relaxed_by_hand_is_put_right_if_every_object_complies() {
    // In ways in which people do it: no limit, no schema of a field, no schema at all.
    let relaxed = |relax: fn(&mut Value)| {
        let mut definition = serde_json::to_value(model(BOTH)).unwrap();
        relax(&mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]);
        serde_json::from_value::<CustomResourceDefinition>(definition).unwrap()
    };
    let ways: [fn(&mut Value); 3] = [
        |spec| spec["properties"]["a"]["maxLength"] = json!(99),
        |spec| spec["properties"]["a"] = json!({"x-kubernetes-preserve-unknown-fields": true}),
        |spec| *spec = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true}),
    ];
    for way in ways {
        let server = Server::with(&relaxed(way));
        server.add([object("good", json!({"a": "fits", "b": "x"}))]);
        run(&server, BOTH).await.unwrap();
        assert_eq!(server.written().len(), 1, "it is put right");

        let server = Server::with(&relaxed(way));
        server.add([object("good", json!({"a": "fits"})), object("bad", json!({"a": "much too long"}))]);
        let refused = run(&server, BOTH).await.unwrap_err().to_string();
        assert!(refused.contains("1 object does not comply: default/bad\n"), "{refused}");
        assert!(server.written().is_empty());
    }
    // What the models do not have would be lost.
    let server = Server::with(&relaxed(ways[2]));
    server.add([object("more", json!({"a": "fits", "colour": "red"}))]);
    let refused = run(&server, BOTH).await.unwrap_err().to_string();
    assert!(refused.contains("1 object has others: default/more\n"), "{refused}");
}

#[tokio::test]
async fn one_refused_definition_keeps_all_others_from_being_applied() {
    let server = Server::with(&model(BOTH));
    server.add([object("o", json!({"b": "x"}))]);
    let mut other = model(ONE);
    other.metadata.name = Some(format!("others.{GROUP}"));
    other.spec.names.plural = "others".to_owned();
    for definitions in [vec![other.clone(), model(ONE)], vec![model(ONE), other]] {
        assert!(matches!(install(&server.client(), definitions).await, Err(InstallError::Refused(_))));
    }
    assert!(server.written().is_empty());
}

#[tokio::test]
async fn what_cannot_be_looked_at_is_refused_with_the_right_that_is_missing() {
    let server = Server::with(&model(BOTH));
    server.forbid_lists();
    let text = run(&server, SHORT).await.unwrap_err().to_string();
    for part in
        ["spec.a: maxLength 9 → 3", "ms is forbidden", "`list` ms (API group a.xos.opencord.org) in all namespaces"]
    {
        assert!(text.contains(part), "no {part} in {text}");
    }
    assert!(server.written().is_empty());
}

#[tokio::test]
async fn a_definition_that_may_not_be_read_is_not_written() {
    let server = Server::with(&model(BOTH));
    server.forbid_definitions();
    let error = run(&server, BOTH).await.unwrap_err();
    assert!(matches!(error, InstallError::Examine(ExamineError::Read { .. })));
    assert!(error.to_string().contains("allow it to `get` customresourcedefinitions"), "{error}");
    assert!(server.written().is_empty());
}

#[tokio::test]
async fn a_list_that_expired_begins_anew_and_counts_nothing_twice() {
    let server = Server::with(&model(BOTH));
    server.add((0..7).map(|n| object(&format!("o{n}"), json!({"b": "x"}))));
    server.expire_once();
    let text = run(&server, ONE).await.unwrap_err().to_string();
    assert!(text.contains("7 objects have it"), "{text}");
    assert_eq!(server.lists().len(), 5, "two pages in vain, then three");
}

#[tokio::test]
async fn what_somebody_else_has_changed_meanwhile_is_compared_again() {
    let server = Server::with(&model(ONE));
    server.add([object("o", json!({"a": "long text", "b": "x"}))]);
    // A newer version of the program is a moment faster: the fields that it brings are in use.
    server.replace_before_the_next_write(&model(BOTH));
    let refused = run(&server, &ONE.replace('9', "10")).await.unwrap_err().to_string();
    assert!(refused.contains("spec.b: removed") && refused.contains("newer version"), "{refused}");
    assert!(server.written().is_empty());
    // The same, and what it brings is what is wanted here.
    let server = Server::with(&model(ONE));
    server.replace_before_the_next_write(&model(BOTH));
    run(&server, BOTH).await.unwrap();
    assert!(server.written().is_empty());
}

#[tokio::test]
async fn a_definition_that_appears_meanwhile_is_compared() {
    let server = Server::default();
    server.add([object("o", json!({"b": "x"}))]);
    server.replace_before_the_next_write(&model(BOTH));
    assert!(matches!(run(&server, ONE).await, Err(InstallError::Refused(_))));
}

#[tokio::test]
async fn a_kind_that_another_definition_has_is_refused_at_once() {
    let server = Server::default();
    server.serve("emms", "M");
    let text = run(&server, ONE).await.unwrap_err().to_string();
    assert!(text.contains("kind of emms.a.xos.opencord.org → M") && text.contains("plural was changed"), "{text}");
    assert!(server.written().is_empty());
}
