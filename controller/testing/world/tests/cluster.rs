//! Steps in Rust that reach objects of Kubernetes through their client.

#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use xos_model::Object;
use xos_steps::{ForeignKind, StepContext, StepError, SyncStep};
use xos_testing::{Cluster, TestClock, World};

const MODELS: &str = "option app_label = \"t\";
    message Person (XOSBase) { required string name = 1 [max_length = 32]; }";

fn config_maps() -> ForeignKind {
    let [version, kind, plural] = ["v1", "ConfigMap", "configmaps"].map(str::to_owned);
    ForeignKind { group: String::new(), version, kind, plural, is_namespaced: true }
}

fn api(cluster: &Cluster) -> Api<ConfigMap> {
    Api::default_namespaced(cluster.client())
}

fn named(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name}})).unwrap()
}

/// Makes a ConfigMap for each person.
struct Page;

impl SyncStep for Page {
    type Model = Object;

    fn observes(&self) -> &str {
        "Person"
    }

    async fn sync_record(&self, ctx: &StepContext, o: &mut Object) -> Result<(), StepError> {
        let api: Api<ConfigMap> = Api::default_namespaced(ctx.kube()?.clone());
        let page = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": o.meta.name},
            "data": {"name": o.text("name")}});
        let parameters = PatchParams::apply("page").force();
        api.patch(&o.meta.name, &parameters, &Patch::Apply(page))
            .await
            .map_err(|error| StepError::failed(error.to_string()))?;
        Ok(())
    }

    async fn delete_record(&self, ctx: &StepContext, o: &Object) -> Result<(), StepError> {
        let api: Api<ConfigMap> = Api::default_namespaced(ctx.kube()?.clone());
        let done = api.delete(&o.meta.name, &DeleteParams::default()).await;
        done.map(drop).map_err(|error| StepError::failed(error.to_string()))
    }
}

#[tokio::test]
async fn a_step_reaches_objects_of_kubernetes() {
    let clock = TestClock::default();
    let cluster = Cluster::new(&clock);
    let world = World::of(&[("t.xproto", MODELS)]).sync_step(Page).clock(&clock).cluster(&cluster);
    let mut world = world.start().unwrap();
    let mut ada = Object::named("Person", "default", "ada");
    ada.set("name", "Ada".into());
    world.apply(&ada).unwrap();
    world.settle().await;
    let page = cluster.get(&config_maps(), "default", "ada").unwrap();
    assert_eq!(
        (&page["data"]["name"], &page["metadata"]["creationTimestamp"]),
        (&json!("Ada"), &json!("2026-01-01T00:00:00Z"))
    );
    assert!(world.api().remove(&ada.key()));
    world.settle().await;
    assert!(cluster.get(&config_maps(), "default", "ada").is_none());
}

#[tokio::test]
async fn requests_are_answered_as_by_a_real_api_server() {
    let cluster = Cluster::new(&TestClock::default());
    let api = api(&cluster);
    let code = |error: kube::Error| match error {
        kube::Error::Api(status) => (status.code, status.reason.clone()),
        error => panic!("{error}"),
    };
    let made = api.create(&PostParams::default(), &named("a")).await.unwrap();
    assert!(made.uid().is_some() && made.metadata.generation == Some(1));
    let again = api.create(&PostParams::default(), &named("a")).await.unwrap_err();
    assert_eq!(code(again), (409, "AlreadyExists".to_owned()));
    assert_eq!(code(api.get("b").await.unwrap_err()), (404, "NotFound".to_owned()));
    let wrong = api.create(&PostParams::default(), &named("A b")).await.unwrap_err();
    assert_eq!(code(wrong), (422, "Invalid".to_owned()));

    // An old version does not replace a new one.
    let mut next = made.clone();
    next.data = Some(BTreeMap::from([("x".to_owned(), "1".to_owned())]));
    let changed = api.replace("a", &PostParams::default(), &next).await.unwrap();
    assert_eq!(changed.metadata.generation, Some(2));
    let stale = api.replace("a", &PostParams::default(), &next).await.unwrap_err();
    assert_eq!(code(stale), (409, "Conflict".to_owned()));

    // Two managers, of whom one gives up its part.
    let apply = async |manager: &str, data: serde_json::Value| {
        let body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data});
        let parameters = PatchParams::apply(manager).force();
        api.patch("a", &parameters, &Patch::Apply(body)).await.unwrap()
    };
    apply("one", json!({"one": "1", "both": "1"})).await;
    apply("other", json!({"both": "1"})).await;
    let left = apply("one", json!({})).await;
    let keys: Vec<_> = left.data.iter().flatten().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["both", "x"]);
    let same = apply("one", json!({})).await;
    assert_eq!(same.resource_version(), left.resource_version(), "nothing is written if nothing changes");

    // Finalizers hold an object.
    let hold = json!({"metadata": {"finalizers": ["t/x"]}});
    api.patch("a", &PatchParams::default(), &Patch::Merge(hold)).await.unwrap();
    assert!(api.delete("a", &DeleteParams::default()).await.unwrap().is_left());
    assert!(api.get("a").await.unwrap().metadata.deletion_timestamp.is_some());
    let release = json!({"metadata": {"finalizers": null}});
    api.patch("a", &PatchParams::default(), &Patch::Merge(release)).await.unwrap();
    assert_eq!(code(api.get("a").await.unwrap_err()).0, 404);
}

#[tokio::test]
async fn a_watch_tells_what_comes_into_and_leaves_its_selection() {
    let cluster = Cluster::new(&TestClock::default());
    let (api, kind) = (api(&cluster), config_maps());
    let set = |name: &str, labels: serde_json::Value| {
        cluster.set(&kind, &json!({"metadata": {"name": name, "labels": labels}})).unwrap();
    };
    set("a", json!({"x": "1"}));
    let list = api.list(&ListParams::default().labels("x=1")).await.unwrap();
    assert_eq!(list.items.iter().map(kube::ResourceExt::name_any).collect::<Vec<_>>(), ["a"]);
    set("b", json!({"x": "2"}));
    set("a", json!({"x": "2"}));
    set("b", json!({"x": "1"}));
    assert!(cluster.delete(&kind, "default", "b"));
    let version = list.metadata.resource_version.unwrap();
    let events = api.watch(&WatchParams::default().labels("x=1"), &version).await.unwrap();
    let told = events.map_ok(|event| match event {
        WatchEvent::Added(one) => format!("added {}", one.name_any()),
        WatchEvent::Modified(one) => format!("modified {}", one.name_any()),
        WatchEvent::Deleted(one) => format!("deleted {}", one.name_any()),
        other => format!("{other:?}"),
    });
    let told: Vec<_> = futures::StreamExt::take(told, 3).try_collect().await.unwrap();
    assert_eq!(told, ["deleted a", "added b", "deleted b"]);
}

#[tokio::test]
async fn what_belongs_to_an_object_that_is_gone_goes_too() {
    let clock = TestClock::default();
    let (cluster, kind) = (Cluster::new(&clock), config_maps());
    let mut world = World::of(&[("t.xproto", MODELS)]).clock(&clock).cluster(&cluster).start().unwrap();
    let mut ada = Object::named("Person", "default", "ada");
    ada.set("name", "Ada".into());
    world.apply(&ada).unwrap();
    world.settle().await;
    let uid = world.object::<Object>("ada").map(|ada| ada.meta.uid).unwrap();
    let set = |name: &str, owner: &str| {
        let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": owner});
        let object = json!({"metadata": {"name": name, "ownerReferences": [owner]}});
        cluster.set(&kind, &object).unwrap();
        cluster.get(&kind, "default", name).unwrap()["metadata"]["uid"].as_str().unwrap().to_owned()
    };
    set("second", &set("first", &uid));
    set("other", "never-was");
    assert!(world.api().remove(&ada.key()));
    world.settle().await;
    let there = ["first", "second", "other"].map(|name| cluster.get(&kind, "default", name).is_some());
    assert_eq!(there, [false, false, true]);
}
