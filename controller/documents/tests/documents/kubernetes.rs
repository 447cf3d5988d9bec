//! Objects of Kubernetes that steps apply and read.

use std::time::Duration;

use serde_json::{Value, json};
use xos_documents::Documents;
use xos_model::Object;
use xos_testing::World;

use super::cluster::Cluster;
use super::{MODELS, document, models, person, ready};

const STEP: &str = "
model: Person
resync: off
kubernetes:
  read:
    defaults: {apiVersion: v1, kind: ConfigMap, name: people-defaults}
    peers: {apiVersion: v1, kind: Pod, selector: \"app=${self.name}\"}
  apply:
  - id: settings
    object:
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: \"${self.metadata.name}-settings\"}
      data: {title: \"${self.title}\", colour: \"${read.defaults.data.colour}\"}
  - id: web
    object:
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: \"${self.metadata.name}-web\", labels: {app: web}}
      spec: {replicas: 2, version: \"${applied.settings.metadata.uid}\"}
  - id: extra
    when: ${at < 5}
    forEach: {in: \"${self.age == null ? [] : lists.range(self.age)}\", as: at}
    object: {apiVersion: v1, kind: Secret, metadata: {name: \"${self.metadata.name}-${at}\"}, stringData: {a: b}}
  fields:
    state: ${applied.web.status.?availableReplicas.orValue(0)} of 2, ${size(read.peers)} peers
";

fn world_with(cluster: &Cluster, spec: &str) -> World {
    let text = document("SyncStep", "people", spec);
    let steps = Documents::of(&[("steps.yaml", &text)]).compile(&models()).unwrap_or_else(|found| {
        panic!("{}", found.iter().map(|one| one.render(false)).collect::<Vec<_>>().join("\n\n"))
    });
    World::of(&[("t.xproto", MODELS)]).steps(steps).kube(cluster.client()).start().unwrap()
}

fn defaults(colour: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "people-defaults"}, "data": {"colour": colour}})
}

fn running(object: &mut Value) {
    object["status"] = json!({"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2});
}

/// Lets the world work until something is so: watches tell it in their own time. The world's clock stands.
async fn until(world: &mut World, what: &str, mut is_so: impl FnMut(&World) -> bool) {
    for _ in 0..500 {
        world.settle().await;
        if is_so(world) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not so after 5 s: {what}; {:?}", ready(world, "ada"));
}

async fn until_says(world: &mut World, words: &str) {
    until(world, words, |world| ready(world, "ada").1.contains(words)).await;
}

fn state(world: &World) -> String {
    world.object::<Object>("ada").unwrap().text("state").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn objects_are_applied_watched_pruned_and_removed_in_reverse_order() {
    let cluster = Cluster::default();
    let mut world = world_with(&cluster, STEP);
    world.apply(&person("ada", json!({"title": "Dr"}))).unwrap();
    world.settle().await;
    let waits = "waits for ConfigMap default/people-defaults, which is not there (`read.defaults`)";
    assert_eq!(ready(&world, "ada"), ("Deferred".to_owned(), waits.to_owned()));
    cluster.take_requests();

    // It comes: no time passes in the world, so nothing has polled.
    cluster.put("configmaps", &defaults("red"));
    until_says(&mut world, "waits for Deployment default/ada-web: its controller has not seen it yet").await;
    let expected = [
        "GET configmaps/people-defaults",
        "GET configmaps/ada-settings",
        "GET deployments/ada-web",
        "PATCH configmaps/ada-settings",
        "PATCH deployments/ada-web",
    ];
    assert_eq!(cluster.take_requests(), expected);
    let settings = cluster.get("configmaps", "ada-settings");
    assert_eq!(settings["data"], json!({"title": "Dr", "colour": "red"}));
    let ada = world.object::<Object>("ada").unwrap();
    let labels = &settings["metadata"]["labels"];
    assert_eq!(labels["xos.opencord.org/owner-uid"], ada.meta.uid.as_str());
    assert_eq!(labels["xos.opencord.org/owner-name"], "ada");
    assert_eq!(labels["xos.opencord.org/step"], "people");
    let reference = &settings["metadata"]["ownerReferences"][0];
    assert_eq!(reference["apiVersion"], "t.xos.opencord.org/v1");
    assert_eq!((&reference["kind"], &reference["uid"]), (&json!("Person"), &json!(ada.meta.uid)));
    let web = cluster.get("deployments", "ada-web");
    assert_eq!(web["spec"]["version"], settings["metadata"]["uid"], "what the first one became");
    assert_eq!(web["metadata"]["labels"]["app"], "web");
    assert_eq!(state(&world), "0 of 2, 0 peers");

    cluster.change("deployments", "ada-web", running);
    until(&mut world, "ready", |world| ready(world, "ada").0 == "SyncSucceeded").await;
    assert_eq!(state(&world), "2 of 2, 0 peers");
    // What was applied is seen by the watches, too, and is no news.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        world.settle().await;
    }
    cluster.take_requests();
    world.pass(Duration::from_secs(3600)).await;
    assert_eq!(cluster.take_requests(), [""; 0]);

    // What others have changes, of which nothing is ours.
    cluster.put("configmaps", &defaults("blue"));
    let blue = |_: &World| cluster.get("configmaps", "ada-settings")["data"]["colour"] == "blue";
    until(&mut world, "blue", blue).await;
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"app": "ada"}}});
    cluster.put("pods", &pod);
    until(&mut world, "a peer", |world| state(world) == "2 of 2, 1 peers").await;
    // Somebody has changed what is ours.
    cluster.change("configmaps", "ada-settings", |object| object["data"] = json!({"title": "Mr", "colour": "blue"}));
    until(&mut world, "Dr again", |_| cluster.get("configmaps", "ada-settings")["data"]["title"] == "Dr").await;

    // Two more, then one, then none.
    world.edit::<Object>("ada", |ada| ada.set("age", json!(2))).unwrap();
    until(&mut world, "two secrets", |_| !cluster.get("secrets", "ada-1").is_null()).await;
    world.edit::<Object>("ada", |ada| ada.set("age", json!(1))).unwrap();
    until(&mut world, "one secret", |_| cluster.get("secrets", "ada-1").is_null()).await;
    assert!(!cluster.get("secrets", "ada-0").is_null());

    // The Deployment is slow to go: what comes before it waits.
    cluster.change("deployments", "ada-web", |object| object["metadata"]["finalizers"] = json!(["x"]));
    until(&mut world, "done", |world| ready(world, "ada").0 == "SyncSucceeded").await;
    cluster.take_requests();
    world.delete::<Object>("ada").unwrap();
    until_says(&mut world, "waits until Deployment default/ada-web is gone").await;
    assert!(!cluster.get("configmaps", "ada-settings").is_null() && cluster.get("secrets", "ada-0").is_null());
    cluster.remove("deployments", "ada-web");
    until(&mut world, "gone", |world| world.object::<Object>("ada").is_err()).await;
    assert!(cluster.get("configmaps", "ada-settings").is_null());
    assert!(!cluster.get("configmaps", "people-defaults").is_null() && !cluster.get("pods", "p").is_null());
}

const ONE: &str = "
model: Person
kubernetes:
  apply:
  - id: one
    object: {apiVersion: v1, kind: ConfigMap, metadata: {name: \"${self.name}\"}, data: {title: \"${self.title}\"}}
";

#[tokio::test]
async fn what_a_document_does_not_name_any_more_is_removed_also_after_a_restart() {
    let cluster = Cluster::default();
    let mut world = world_with(&cluster, ONE);
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    assert_eq!(ready(&world, "ada").0, "SyncSucceeded");
    assert_eq!(cluster.get("configmaps", "ada")["data"], json!({}), "what is null is left out");
    // Meanwhile somebody changes it; the next controller looks at everything once.
    world.restart().unwrap();
    cluster.change("configmaps", "ada", |object| object["data"] = json!({"title": "?"}));
    world.settle().await;
    assert_eq!(cluster.get("configmaps", "ada")["data"], json!({}));

    // The next version makes a Service in its place.
    let api = world.api().clone();
    let spec = ONE.replace("ConfigMap", "Service").replace(" data:", " spec:");
    let mut next = world_with(&cluster, &spec);
    let mut ada = api.objects().remove(0);
    ada.meta.resource_version = String::new();
    next.api().put(ada);
    next.restart().unwrap();
    next.settle().await;
    assert_eq!(ready(&next, "ada").0, "SyncSucceeded");
    assert!(cluster.get("configmaps", "ada").is_null() && !cluster.get("services", "ada").is_null());
    let left = next.object::<Object>("ada").unwrap();
    assert_eq!(left.meta.annotations["applied.test"], r#"["v1 Service services default/ada"]"#);
}

#[tokio::test]
async fn what_belongs_to_others_is_neither_taken_nor_removed() {
    let cluster = Cluster::default();
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ada"}, "data": {"a": "b"}});
    cluster.put("configmaps", &theirs);
    let mut world = world_with(&cluster, ONE);
    world.apply(&person("ada", json!({"title": "Dr"}))).unwrap();
    world.settle().await;
    let (reason, message) = ready(&world, "ada");
    assert_eq!(reason, "SyncFailed");
    assert!(message.contains("ConfigMap default/ada is there already, and belongs to somebody else"), "{message}");
    // Another one of ours is named.
    let mut bob = person("bob", json!({}));
    bob.set("name", json!("eve"));
    let mut eve = person("eve", json!({}));
    eve.set("name", json!("eve"));
    world.apply(&bob).unwrap();
    world.settle().await;
    world.apply(&eve).unwrap();
    world.settle().await;
    let (_, message) = ready(&world, "eve");
    assert!(message.contains("ConfigMap default/eve is there already, and belongs to Person default/bob"), "{message}");
    world.delete::<Object>("ada").unwrap();
    world.delete::<Object>("eve").unwrap();
    world.settle().await;
    assert_eq!(cluster.get("configmaps", "ada")["data"], json!({"a": "b"}));
    assert!(!cluster.get("configmaps", "eve").is_null());

    let mut world = world_with(&cluster, &format!("{}\n    adopt: true", ONE.trim_end()));
    world.apply(&person("ada", json!({"title": "Dr"}))).unwrap();
    world.settle().await;
    assert_eq!(ready(&world, "ada").0, "SyncSucceeded");
    assert_eq!(cluster.get("configmaps", "ada")["data"]["title"], "Dr");
}

#[tokio::test]
async fn faults_are_told_in_words_and_without_secrets() {
    let cluster = Cluster::default();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
        "data": {"password": "bGV0bWVpbg=="}});
    cluster.put("secrets", &secret);
    let apply = |object: &str| format!("model: Person\nkubernetes:\n  apply: [{{id: a, object: {object}}}]");
    let map = "apiVersion: v1, kind: ConfigMap, metadata: {name: a}";
    let read = "model: Person\nkubernetes:
  read: {s: {apiVersion: v1, kind: Secret, name: s}}
  apply:
  - {id: a, readyWhen: \"${object.data.x}\", object: {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {a: b}}}";
    let leak = "model: Person\nkubernetes:
  read: {s: {apiVersion: v1, kind: Secret, name: s}}
  apply:
  - id: a
    object: {apiVersion: x.org/v1, kind: Unserved, metadata: {name: \"${string(base64.decode(read.s.data.password))}\"}}";
    for (spec, reason, expected) in [
        (
            apply("{apiVersion: x.org/v1, kind: Unserved, metadata: {name: a}}"),
            "SyncFailed",
            "Unserved default/a: the API server does not serve x.org/v1 Unserved as `unserveds`",
        ),
        (
            format!(
                "model: Person\nkubernetes:\n  apply: [{{id: a, object: {{{map}}}}}, {{id: b, object: {{{map}}}}}]"
            ),
            "SyncFailed",
            "`a` and `b` are both ConfigMap default/a",
        ),
        (
            apply(
                "{apiVersion: batch/v1, kind: Job, metadata: {name: a}, status: {conditions: [{type: Failed, status: 'True', message: no luck}]}}",
            ),
            "SyncFailed",
            "Job default/a has failed: no luck",
        ),
        (read.to_owned(), "Deferred", "waits for ConfigMap default/a: `object.data.x`"),
        (leak.to_owned(), "SyncFailed", "Unserved default/***: "),
    ] {
        let mut world = world_with(&cluster, &spec);
        world.apply(&person("ada", json!({}))).unwrap();
        world.settle().await;
        let told = ready(&world, "ada");
        assert!(told.0 == reason && told.1.contains(expected) && !told.1.contains("letmein"), "{spec}\n{told:?}");
        world.delete::<Object>("ada").unwrap();
        until(&mut world, "gone", |world| world.object::<Object>("ada").is_err()).await;
    }
}

#[tokio::test]
async fn objects_of_kubernetes_are_a_list() {
    let cluster = Cluster::default();
    let spec = "
model: Person
every: 30s
kubernetes: {apiVersion: v1, kind: Pod, selector: app=person}
when: ${item.status.phase == 'Running'}
key: [name]
fields: {name: \"${item.metadata.name}\", state: \"${item.status.phase}\"}
";
    let text = document("PullStep", "pods", spec);
    let steps = Documents::of(&[("steps.yaml", &text)]).compile(&models()).unwrap();
    assert_eq!(steps.uses.len(), 1);
    let mut world = World::of(&[("t.xproto", MODELS)]).steps(steps).kube(cluster.client()).start().unwrap();
    for (name, app, phase) in [("a", "person", "Running"), ("b", "other", "Running"), ("c", "person", "Pending")] {
        cluster.put(
            "pods",
            &json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": app}},
            "status": {"phase": phase}}),
        );
    }
    world.settle().await;
    let names =
        |world: &World| -> Vec<String> { world.api().objects().iter().map(|one| one.meta.name.clone()).collect() };
    assert_eq!(names(&world), ["a"]);
    cluster.remove("pods", "a");
    cluster.change("pods", "c", |pod| pod["status"]["phase"] = json!("Running"));
    world.pass(Duration::from_secs(31)).await;
    assert_eq!(names(&world), ["c"]);
}

#[tokio::test]
async fn who_asks_comes_from_a_secret_that_is_watched() {
    let cluster = Cluster::default();
    let (backend, url) = super::backend::Backend::start().await;
    let spec = "
model: Person
http:
  url: ${settings.url}/people/${self.name}
  auth: {basic: {secretRef: {name: backend, namespace: default}}}
";
    let text = document("SyncStep", "people", spec);
    let steps = Documents::of(&[("steps.yaml", &text)]).compile(&models()).unwrap();
    assert_eq!(steps.uses[0].name.as_deref(), Some("backend"));
    let world = World::of(&[("t.xproto", MODELS)]).steps(steps).kube(cluster.client());
    let mut world = world.settings(json!({"url": url})).start().unwrap();
    world.apply(&person("ada", json!({}))).unwrap();
    world.settle().await;
    let missing = "there is no Secret default/backend, which the document names";
    assert_eq!(ready(&world, "ada"), ("Deferred".to_owned(), missing.to_owned()));
    assert_eq!(backend.lines(), [""; 0]);

    let secret = |password: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "backend"},
            "data": {"username": "YWRh", "password": password}})
    };
    cluster.put("secrets", &secret("bGV0bWVpbg=="));
    backend.always(500, json!("no letmein today"));
    let authorization = async |world: &mut World, expected: &str| {
        for _ in 0..200 {
            world.touch::<Object>("ada", &format!("{:?}", std::time::Instant::now())).unwrap();
            world.settle().await;
            if backend.take().iter().any(|seen| seen.authorization.as_deref() == Some(expected)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{expected} is not used");
    };
    authorization(&mut world, "Basic YWRhOmxldG1laW4=").await;
    let (_, message) = ready(&world, "ada");
    assert!(message.contains("no *** today") && !message.contains("letmein"), "{message}");
    cluster.put("secrets", &secret("b3BlbnNlc2FtZQ=="));
    authorization(&mut world, "Basic YWRhOm9wZW5zZXNhbWU=").await;
}
