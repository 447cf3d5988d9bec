//! Checks that only the controller can do: unique fields, kinds of links, validators that refer to other objects. The
//! results are shown in status and as Events.

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::namespace;
use xos_runtime::Synchronizer;

const MODELS: &str = "option app_label = \"accept\";
    policy same_site < obj.slice.site = obj.node.site >
    message Site (XOSBase) { required string name = 1 [max_length = 32, unique = True]; }
    message Slice (XOSBase) { required manytoone site->Site:slices = 1:1001; }
    message Node (XOSBase) { required manytoone site->Site:nodes = 1:1002; }
    message Use (XOSBase) { option validators = \"same_site:The slice is not of the node's site\";
        required manytoone slice->Slice:uses = 1:1003; required manytoone node->Node:uses = 2:1004; }
    message Service (XOSBase) { required string name = 1 [max_length = 32]; }
    message Onos (Service) { optional int32 port = 1; }
    message App (XOSBase) { required manytoone owner->Service:apps = 1:1005; }";

fn refused(reason: &'static str, message: &'static str) -> impl Fn(&Value) -> bool {
    move |object| {
        let says = |kind: &str, status: &str| {
            let told = condition(object, kind);
            (&told["status"], &told["reason"], &told["message"]) == (&json!(status), &json!(reason), &json!(message))
        };
        says("Accepted", "False") && says("Ready", "False") && says("Stalled", "True")
    }
}

#[tokio::test]
async fn objects_that_others_keep_from_being_accepted_wait_and_say_why() {
    namespace::with("accept", async |namespace| {
        let calls = Calls::default();
        let synchronizer = ["Site", "Slice", "Node", "Use", "Service", "App"]
            .into_iter()
            .fold(Synchronizer::new("accept").models(&[("accept.xproto", MODELS)]), |synchronizer, model| {
                synchronizer.sync_step(Scripted::noting(model, model, &calls))
            });
        let controller = Controller::start(namespace, "accept", synchronizer, &Value::Null).unwrap();
        let objects = Objects::new(namespace, MODELS).unwrap();
        for model in ["Site", "Slice", "Node", "Use", "Service", "Onos", "App"] {
            objects.served(model).await.unwrap();
        }
        objects.create("Site", "rome", json!({"name": "Rome"})).await.unwrap();
        objects.ready("Site", "rome").await.unwrap();
        objects.create("Site", "roma", json!({"name": "Rome"})).await.unwrap();
        let told = "Site rome has name \"Rome\" already; change or delete one of them";
        objects.until("Site", "roma", "refused", refused("NotUnique", told)).await.unwrap();
        let event = namespace.one_event("Warning", "NotUnique").await.unwrap();
        assert_eq!((&event["message"], &event["involvedObject"]["name"]), (&json!(told), &json!("roma")));
        objects.edit("Site", "roma", json!({"name": "Roma"})).await.unwrap();
        let roma = objects.ready("Site", "roma").await.unwrap();
        assert_eq!(condition(&roma, "Accepted")["status"], "True");
        assert!(condition(&roma, "Stalled").is_null());

        for (model, name, site) in [("Slice", "s", "rome"), ("Node", "n", "roma")] {
            objects.create(model, name, json!({"site": {"name": site}})).await.unwrap();
        }
        objects.create("Use", "u", json!({"slice": {"name": "s"}, "node": {"name": "n"}})).await.unwrap();
        let told = "The slice is not of the node's site";
        objects.until("Use", "u", "refused", refused("Invalid", told)).await.unwrap();
        objects.edit("Node", "n", json!({"site": {"name": "rome"}})).await.unwrap();
        objects.ready("Use", "u").await.unwrap();

        objects.create("App", "a", json!({"owner": {"name": "x", "kind": "Site"}})).await.unwrap();
        let told = "spec.owner.kind: Site is not a Service; it can be Service, Onos";
        objects.until("App", "a", "refused", refused("NoSuchKind", told)).await.unwrap();
        objects.edit("App", "a", json!({"owner": {"name": "x", "kind": "Onos"}})).await.unwrap();
        objects.create("Onos", "x", json!({"name": "x"})).await.unwrap();
        objects.ready("App", "a").await.unwrap();
        controller.stop().await.unwrap();
    })
    .await
    .unwrap();
}
