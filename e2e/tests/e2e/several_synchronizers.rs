//! Several synchronizers on one model have their own bookkeeping, finalizers and conditions; and one can wait for the
//! objects of another.

use serde_json::{Value, json};
use xos_harness::example::condition;
use xos_harness::inprocess::{Calls, Controller, Objects, Scripted};
use xos_harness::namespace;
use xos_runtime::Synchronizer;

const MODELS: &str = "option app_label = \"several\";
    message Site (XOSBase) { required string name = 1 [max_length = 32]; }
    message Slice (XOSBase) { required string name = 1 [max_length = 32];
        required manytoone site->Site:slices = 2:1001; }";

fn entries(object: &Value) -> Vec<&str> {
    let all = object["status"]["synchronizers"].as_array();
    all.into_iter().flatten().filter_map(|own| own["name"].as_str()).collect()
}

#[tokio::test]
async fn each_keeps_its_own_books() {
    namespace::with("several", async |namespace| {
        let first = Calls::default();
        let second = Calls::default();
        let start = |name: &'static str, calls: &Calls, model: &'static str| {
            let synchronizer = Synchronizer::new(name)
                .models(&[("several.xproto", MODELS)])
                .sync_step(Scripted::noting(name, model, calls));
            Controller::start(namespace, name, synchronizer, &Value::Null).unwrap()
        };
        let one = start("one", &first, "Site");
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Site").await.unwrap();
        objects.create("Site", "s", json!({"name": "s"})).await.unwrap();
        objects.ready("Site", "s").await.unwrap();
        let two = start("two", &second, "Site");
        let is_done = |object: &Value| condition(object, "two.xos.opencord.org/Synced")["status"] == "True";
        let site = objects.until("Site", "s", "done by both", is_done).await.unwrap();
        assert_eq!(entries(&site), ["one", "two"]);
        let finalizers = json!(["sync.xos.opencord.org/one", "sync.xos.opencord.org/two"]);
        assert_eq!(site["metadata"]["finalizers"], finalizers);

        objects.edit("Site", "s", json!({"name": "t"})).await.unwrap();
        first.become_these(&["one sync s", "one sync s"]).await.unwrap();
        second.become_these(&["two sync s", "two sync s"]).await.unwrap();

        // Each removes its own finalizer.
        two.stop().await.unwrap();
        objects.delete("Site", "s").await.unwrap();
        first.become_these(&["one sync s", "one sync s", "one delete s"]).await.unwrap();
        let held = json!(["sync.xos.opencord.org/two"]);
        objects.until("Site", "s", "held by the other", |o| o["metadata"]["finalizers"] == held).await.unwrap();
        let two = start("two", &second, "Site");
        objects.gone("Site", "s").await.unwrap();
        for controller in [one, two] {
            controller.stop().await.unwrap();
        }
        assert_eq!(first.all(), ["one sync s", "one sync s", "one delete s"]);
        assert_eq!(second.all(), ["two sync s", "two sync s", "two delete s"]);
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn one_waits_for_what_another_synchronizes() {
    namespace::with("external", async |namespace| {
        let sites = Calls::default();
        let slices = Calls::default();
        let start = |name: &'static str, step: Scripted| {
            let synchronizer = Synchronizer::new(name).models(&[("several.xproto", MODELS)]).sync_step(step);
            Controller::start(namespace, name, synchronizer, &Value::Null).unwrap()
        };
        let slicer = start("slicer", Scripted::noting("slicer", "Slice", &slices).depending_on("Site"));
        let objects = Objects::new(namespace, MODELS).unwrap();
        objects.served("Slice").await.unwrap();
        objects.create("Site", "s", json!({"name": "s"})).await.unwrap();
        objects.create("Slice", "l", json!({"name": "l", "site": {"name": "s"}})).await.unwrap();
        let waits =
            |o: &Value| condition(o, "Ready")["message"] == "waits for Site s, which nobody has synchronized yet";
        objects.until("Slice", "l", "told to wait", waits).await.unwrap();
        let siter = start("siter", Scripted::noting("siter", "Site", &sites));
        objects.ready("Slice", "l").await.unwrap();
        for controller in [slicer, siter] {
            controller.stop().await.unwrap();
        }
        assert_eq!(sites.all(), ["siter sync s"]);
        assert_eq!(slices.all(), ["slicer sync l"]);
    })
    .await
    .unwrap();
}
