//! A model and its step come, change and go while objects of another one are edited all the time.

mod edits;

use std::path::Path;
use std::time::Duration;

use edits::Edits;
use futures::StreamExt as _;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use xos_harness::{Directory, TestNamespace, documents, eventually, example::SOON, namespace};

const STEADY: &str = r#"option app_label = "livesteady";
message LiveSteady (XOSBase) { required string name = 1 [max_length = 32]; optional int32 size = 2; }"#;
const GUEST: &str = r#"option app_label = "liveguest";
message LiveGuest (XOSBase) { required string name = 1 [max_length = 32]; optional int32 size = 2; NOTE }"#;
/// How long many objects may take.
const LONG: Duration = Duration::from_secs(300);

const NOTE: &str = "optional string note = 3 [max_length = 32];";

/// What the steps tell the directory, whose words they use.
const SIZE: &str = "{first_name: \"${self.name}\", last_name: \"size ${self.size}\", full_name: \"-\"}";
const SIZE_AND_NOTE: &str =
    "{first_name: \"${self.name}\", last_name: \"size ${self.size}\", full_name: \"${self.note}\"}";

/// How many objects are edited all the time, how many times a second one of them is, and how many objects come and go.
/// With others it is a measurement: `XOS_LIVE=200,300,5000`.
fn sizes() -> (usize, u64, usize) {
    let set = std::env::var("XOS_LIVE").unwrap_or_default();
    let mut numbers = set.split(',').map(|number| number.parse().ok());
    let mut next = |usual: u64| numbers.next().flatten().unwrap_or(usual);
    (next(20) as usize, next(20), next(10) as usize)
}

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

/// Returns the memory of a process.
fn resident_mib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

/// Applies objects, several at once.
async fn apply(api: &Api<DynamicObject>, kind: &str, name: &str, count: usize, spec: Value) -> Result<(), String> {
    let each = futures::stream::iter(0..count).map(|number| {
        let name = format!("{name}{number}");
        let mut spec = spec.clone();
        spec["name"] = json!(name);
        let version = format!("{}.xos.opencord.org/v1", kind.to_lowercase());
        let patch =
            Patch::Apply(json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}));
        async move {
            let by = PatchParams::apply("live");
            api.patch(&name, &by, &patch).await.map(drop).map_err(|error| error.to_string())
        }
    });
    each.buffer_unordered(8).collect::<Vec<_>>().await.into_iter().collect()
}

async fn all(namespace: &TestNamespace, kind: &str) -> Vec<Value> {
    let text = namespace.kubectl(&["get", kind, "-o", "json"]).await.unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_comes_changes_and_goes_and_no_edit_of_others_is_missed() {
    namespace::with("live", async |namespace| {
        let directory = Directory::start_in_memory(&namespace.log("directory")).await.unwrap();
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
        let client = namespace.cluster().admin().await.unwrap();
        let (steadies, rate, guests) = sizes();
        let of = |kind: &str| {
            let (group, lower) = (format!("{}.xos.opencord.org", kind.to_lowercase()), kind.to_lowercase());
            let (api_version, plural) = (format!("{group}/v1"), format!("{lower}s"));
            let resource = ApiResource { group, version: "v1".into(), api_version, kind: kind.into(), plural };
            Api::<DynamicObject>::namespaced_with(client.clone(), here, &resource)
        };
        let (steady, guest) = (of("LiveSteady"), of("LiveGuest"));
        eventually(SOON, "its kind to be served", async || {
            apply(&steady, "LiveSteady", "steady", steadies, json!({"size": 0})).await
        })
        .await
        .unwrap();
        let wait = async |kind: &str| {
            let wait = ["wait", "--for=condition=Ready", kind, "--all", "--timeout=300s"];
            namespace.kubectl(&wait).await.unwrap();
        };
        wait("livesteady").await;

        let edits = Edits::new(steady, steadies, rate);
        let watching = tokio::spawn(edits.clone().watch());
        let stop = CancellationToken::new();
        let editing = tokio::spawn(edits.clone().run(stop.clone()));
        let mut phases = vec![];
        let begun = std::time::Instant::now();
        let mut phase = |what: &str| {
            let (told, count) = edits.told();
            let memory = resident_mib(running.id().unwrap());
            phases.push(format!("{what}: {told}; {memory} MiB at its end, {:.1?}", begun.elapsed()));
            count
        };

        let taken_up = async |times: usize| {
            let look = async || {
                let text = std::fs::read_to_string(&log).unwrap_or_default();
                let found = text.matches("are taken up as they are now").count();
                let end = || format!("{found} of {times}: {}", xos_harness::process::tail(&log, 20));
                if found >= times { Ok(()) } else { Err(end()) }
            };
            eventually(SOON, "the files to be taken up", look).await.unwrap();
        };
        let come = async |note: Option<&str>| {
            let mut spec = json!({"size": 1});
            if let Some(note) = note {
                spec["note"] = json!(note);
            }
            eventually(SOON, "guests to be served", async || {
                apply(&guest, "LiveGuest", "guest", guests, spec.clone()).await
            })
            .await
            .unwrap();
        };
        let enough = async || if edits.known() > 3 * steadies { Ok(()) } else { Err("few edits".to_owned()) };
        eventually(SOON, "edits before anything changes", enough).await.unwrap();
        phase("before");
        invite(&service, false);
        taken_up(1).await;
        come(None).await;
        wait("liveguest").await;
        phase("a model with objects has come");
        invite(&service, true);
        taken_up(2).await;
        come(Some("hello")).await;
        let note = async || {
            let people = directory.people_json().await.unwrap();
            let has = |n| people[format!("guest{n}")]["full_name"] == "hello";
            if (0..guests).all(has) { Ok(()) } else { Err("some are without a note".to_owned()) }
        };
        eventually(LONG, "the step of the changed model", note).await.unwrap();
        phase("it has changed");
        // Its definition and its objects stay.
        dismiss(&service);
        taken_up(3).await;
        phase("it has gone");
        invite(&service, true);
        taken_up(4).await;
        come(Some("again")).await;
        wait("liveguest").await;
        namespace.kubectl(&["delete", "liveguest", "--all", "--timeout=600s"]).await.unwrap();
        phase("it has come again, and its objects have gone");

        stop.cancel();
        let count = editing.await.unwrap();
        wait("livesteady").await;
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
        println!("{count} edits\n{}", phases.join("\n"));
        assert!(running.stop().await.unwrap().is_some_and(|status| status.success()));
    })
    .await
    .unwrap();
}
