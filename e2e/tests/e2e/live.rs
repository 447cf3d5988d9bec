//! A model and its step come, change and go while objects of another one are edited all the time.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use xos_harness::{Directory, TestNamespace, documents, eventually, example::SOON, namespace};

const STEADY: &str = r#"option app_label = "livesteady";
message LiveSteady (XOSBase) { required string name = 1 [max_length = 32]; optional int32 size = 2; }"#;
const GUEST: &str = r#"option app_label = "liveguest";
message LiveGuest (XOSBase) { required string name = 1 [max_length = 32]; optional int32 size = 2; NOTE }"#;
const NOTE: &str = "optional string note = 3 [max_length = 32];";

/// What the steps tell the directory, whose words they use.
const SIZE: &str = "{first_name: \"${self.name}\", last_name: \"size ${self.size}\", full_name: \"-\"}";
const SIZE_AND_NOTE: &str =
    "{first_name: \"${self.name}\", last_name: \"size ${self.size}\", full_name: \"${self.note}\"}";

/// How many objects are edited all the time, and how many times a second one of them is.
const STEADIES: usize = 20;
const EDITS: u64 = 100;
const GUESTS: usize = 10;

fn step(model: &str, body: &str) -> String {
    format!(
        "apiVersion: xos.opencord.org/v1\nkind: SyncStep\nmetadata: {{name: {name}}}\nspec:\n  model: {model}\n  \
         http: {{url: \"${{settings.directory_url}}/people/${{self.metadata.name}}\", body: {body}}}\n",
        name = model.to_lowercase()
    )
}

fn write(service: &Path, file: &str, text: &str) {
    std::fs::write(service.join(file), text).unwrap();
}

/// Puts the model of guests and its step into the service; with a note, or without.
fn invite(service: &Path, has_note: bool) {
    let (field, body) = if has_note { (NOTE, SIZE_AND_NOTE) } else { ("", SIZE) };
    write(service, "models/guest.xproto", &GUEST.replace("NOTE", field));
    write(service, "steps/guest.yaml", &step("LiveGuest", body));
}

fn dismiss(service: &Path) {
    std::fs::remove_file(service.join("models/guest.xproto")).unwrap();
    std::fs::remove_file(service.join("steps/guest.yaml")).unwrap();
}

fn object(kind: &str, name: &str, spec: Value) -> Value {
    let group = kind.to_lowercase();
    let mut object =
        json!({"apiVersion": format!("{group}.xos.opencord.org/v1"), "kind": kind, "metadata": {"name": name}});
    object["spec"] = spec;
    object["spec"]["name"] = json!(name);
    object
}

/// The edits of the steady objects, and how long each took until its object was Ready.
#[derive(Clone)]
struct Edits {
    api: Api<DynamicObject>,
    /// When a generation of an object was made.
    begun: Arc<Mutex<BTreeMap<(String, i64), Instant>>>,
    took: Arc<Mutex<Vec<Duration>>>,
}

impl Edits {
    async fn run(self, stop: CancellationToken) -> u64 {
        let mut pace = tokio::time::interval(Duration::from_millis(1000 / EDITS));
        for edit in 1.. {
            if stop.run_until_cancelled(pace.tick()).await.is_none() {
                return edit - 1;
            }
            let name = format!("steady{}", edit as usize % STEADIES);
            let patch = json!({"spec": {"size": edit}});
            let begun = Instant::now();
            let after = self.api.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
            self.begun.lock().unwrap().insert((name, after.metadata.generation.unwrap()), begun);
        }
        unreachable!("it ends when it is stopped")
    }

    /// Takes the time of each edit whose object is Ready at its generation.
    async fn watch(self) {
        let seen = watcher(self.api.clone(), watcher::Config::default()).default_backoff().touched_objects();
        let each = seen.try_for_each(async |object| {
            let conditions = object.data["status"]["conditions"].as_array().cloned().unwrap_or_default();
            let ready = conditions.iter().find(|one| one["type"] == "Ready" && one["status"] == "True");
            if let Some(generation) = ready.and_then(|ready| ready["observedGeneration"].as_i64()) {
                let key = (object.metadata.name.clone().unwrap_or_default(), generation);
                if let Some(begun) = self.begun.lock().unwrap().remove(&key) {
                    self.took.lock().unwrap().push(begun.elapsed());
                }
            }
            Ok(())
        });
        each.await.unwrap();
    }
}

async fn all(namespace: &TestNamespace, kind: &str) -> Vec<Value> {
    let text = namespace.kubectl(&["get", kind, "-o", "json"]).await.unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_comes_changes_and_goes_and_no_edit_of_others_is_missed() {
    namespace::with("live", async |namespace| {
        let directory = Directory::start(namespace.folder(), &namespace.log("directory")).await.unwrap();
        let service = namespace.folder().join("service");
        for folder in ["models", "steps"] {
            std::fs::create_dir_all(service.join(folder)).unwrap();
        }
        write(&service, "models/steady.xproto", STEADY);
        write(&service, "steps/steady.yaml", &step("LiveSteady", SIZE));
        write(&service, "config.yaml", "name: live\nmodels_dir: models\nsteps_dir: steps\n");
        // With the rights for the guests that come later.
        invite(&service, true);
        let (here, log) = (namespace.name(), namespace.log("synchronizer"));
        let overlay = json!({"settings": {"directory_url": directory.url()}});
        let files = (namespace.folder(), log.as_path());
        let config = service.join("config.yaml");
        let launch = documents::service(namespace.cluster(), here, &config, overlay, files).await.unwrap();
        dismiss(&service);
        let mut running = launch.start().unwrap();
        let steady: Vec<_> = (0..STEADIES)
            .map(|n| object("LiveSteady", &format!("steady{n}"), json!({"size": 0})).to_string())
            .collect();
        let apply = async |text: &str| namespace.apply(text).await.map(drop);
        eventually(SOON, "its kind to be served", async || apply(&steady.join("\n---\n")).await).await.unwrap();

        let resource = ApiResource {
            group: "livesteady.xos.opencord.org".into(),
            version: "v1".into(),
            api_version: "livesteady.xos.opencord.org/v1".into(),
            kind: "LiveSteady".into(),
            plural: "livesteadys".into(),
        };
        let client = namespace.cluster().admin().await.unwrap();
        let edits =
            Edits { api: Api::namespaced_with(client, here, &resource), begun: Arc::default(), took: Arc::default() };
        let watching = tokio::spawn(edits.clone().watch());
        let stop = CancellationToken::new();
        let editing = tokio::spawn(edits.clone().run(stop.clone()));

        let taken_up = |times: usize| {
            let log = log.clone();
            async move {
                let look = async || {
                    let found = std::fs::read_to_string(&log)
                        .unwrap_or_default()
                        .matches("are taken up as they are now")
                        .count();
                    if found >= times {
                        Ok(())
                    } else {
                        Err(format!("{found} of {times}: {}", xos_harness::process::tail(&log, 20)))
                    }
                };
                eventually(SOON, "the files to be taken up", look).await.unwrap();
            }
        };
        invite(&service, false);
        taken_up(1).await;
        let guests = |note: Option<&str>| {
            let spec = json!({"size": 1, "note": note});
            let one = |n| object("LiveGuest", &format!("guest{n}"), spec.clone()).to_string();
            (0..GUESTS).map(one).collect::<Vec<_>>().join("\n---\n")
        };
        eventually(SOON, "guests to be served", async || apply(&guests(None)).await).await.unwrap();
        namespace.kubectl(&["wait", "--for=condition=Ready", "liveguest", "--all", "--timeout=60s"]).await.unwrap();
        invite(&service, true);
        taken_up(2).await;
        apply(&guests(Some("hello"))).await.unwrap();
        let note = async || {
            let people = directory.people_json().await.unwrap();
            let has = |n| people[format!("guest{n}")]["full_name"] == "hello";
            if (0..GUESTS).all(has) { Ok(()) } else { Err(people.to_string()) }
        };
        eventually(SOON, "the step of the changed model", note).await.unwrap();
        namespace.kubectl(&["delete", "liveguest", "--all", "--timeout=60s"]).await.unwrap();
        dismiss(&service);
        taken_up(3).await;
        // It comes again. Its definition has stayed.
        invite(&service, true);
        taken_up(4).await;
        apply(&guests(Some("again"))).await.unwrap();
        namespace.kubectl(&["wait", "--for=condition=Ready", "liveguest", "--all", "--timeout=60s"]).await.unwrap();
        namespace.kubectl(&["delete", "liveguest", "--all", "--timeout=60s"]).await.unwrap();

        stop.cancel();
        let count = editing.await.unwrap();
        namespace.kubectl(&["wait", "--for=condition=Ready", "livesteady", "--all", "--timeout=60s"]).await.unwrap();
        let done = async || {
            let people = directory.people_json().await.unwrap();
            let objects = all(namespace, "livesteady").await;
            let is_done = |one: &Value| {
                let told = &people[one["metadata"]["name"].as_str().unwrap()]["last_name"];
                *told == format!("size {}", one["spec"]["size"])
            };
            let left = objects.iter().filter(|one| !is_done(one)).count();
            if left == 0 { Ok(objects) } else { Err(format!("{left} are not in the backend as they are")) }
        };
        for one in eventually(SOON, "all edits to be in the backend", done).await.unwrap() {
            let history = one["status"]["history"].to_string();
            assert!(!history.contains("Failed"), "{history}");
        }
        let text = std::fs::read_to_string(&log).unwrap();
        assert_eq!(text.matches("all objects are known").count(), 1, "nothing has begun anew");
        watching.abort();
        let mut took = std::mem::take(&mut *edits.took.lock().unwrap());
        took.sort();
        assert!(took.len() > 10, "{took:?}");
        println!(
            "{count} edits; Ready after {:?} (median), {:?} (p99)",
            took[took.len() / 2],
            took[took.len() * 99 / 100]
        );
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}
